/* log.h - one line an event, logfmt, to stderr.
 *
 *   time=2026-01-02T03:04:05.678Z level=info part=relay event="session opened" number=7
 *
 * Each line is one write of at most 2 KiB, so that threads and processes do not mix; what
 * is longer is cut and ends with "...".  Values are quoted where they must be, and nothing
 * in them can begin a new line or a new key.  Secrets never get here: keyring.c hands out
 * none. */
#ifndef VPR_HOST_LOG_H
#define VPR_HOST_LOG_H

#include "app/base/base.h"

#define VPR_LOG_LINE_MAX 2048

enum vpr_log_level { VPR_LOG_DEBUG, VPR_LOG_INFO, VPR_LOG_WARN, VPR_LOG_ERROR };

/* Lines below the level are dropped; INFO at first.  `fd` is 2 at first. */
void vpr_log_setup(enum vpr_log_level level, int fd);
bool vpr_log_level_of(enum vpr_log_level *ret, const char *name); /* "debug", "info", ... */
bool vpr_log_on(enum vpr_log_level level);

/* `part` and `event` are literals.  `fmt` is "key=%spec key=%spec", each value one
 * conversion of %s %.*s %d %i %u %x %c with hh h l ll z j, and no other text; NULL for an
 * event without values. */
void vpr_log(enum vpr_log_level level, const char *part, const char *event, const char *fmt,
             ...) VPR_PRINTF(4, 5);

#define vpr_log_debug(part, ...) VPR_LOG_IF(VPR_LOG_DEBUG, part, __VA_ARGS__)
#define vpr_log_info(part, ...) VPR_LOG_IF(VPR_LOG_INFO, part, __VA_ARGS__)
#define vpr_log_warn(part, ...) VPR_LOG_IF(VPR_LOG_WARN, part, __VA_ARGS__)
#define vpr_log_error(part, ...) VPR_LOG_IF(VPR_LOG_ERROR, part, __VA_ARGS__)
#define VPR_LOG_IF(level, part, ...) \
    do { \
        if (vpr_log_on(level)) { \
            vpr_log(level, part, __VA_ARGS__); \
        } \
    } while (0)

#endif
