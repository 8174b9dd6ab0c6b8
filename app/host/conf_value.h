/* conf_value.h - the small grammar of conf.h: names, values, line ends; conf.c's only. */
#ifndef VPR_HOST_CONF_VALUE_H
#define VPR_HOST_CONF_VALUE_H

#include "app/host/conf.h"

#define VPR_CONF_NAME_MAX 63

/* Where we are, and after a failure why. */
struct vpr_conf_cursor {
    const uint8_t *at, *end;
    unsigned line;
    const char *why;
};

struct vpr_conf_value {
    enum vpr_conf_type type;
    const char *text; /* STRING */
    uint64_t number;  /* UINT */
    bool yes;         /* BOOL */
    struct vpr_conf_list list;
};

/* To the next line with something on it; false at the end. */
bool vpr_conf_next_line(struct vpr_conf_cursor *c);
void vpr_conf_skip_line(struct vpr_conf_cursor *c);
/* Nothing but space or a comment is left on this line. */
bool vpr_conf_line_end(struct vpr_conf_cursor *c);

/* "[name]"; "name =". */
bool vpr_conf_table_name(struct vpr_conf_cursor *c, char name[VPR_CONF_NAME_MAX + 1]);
bool vpr_conf_key_name(struct vpr_conf_cursor *c, char name[VPR_CONF_NAME_MAX + 1]);
bool vpr_conf_value(struct vpr_conf_cursor *c, struct vpr_conf_value *ret,
                    struct vpr_arena *arena);

/* Check against the key and put into the target; false with the reason in `why`. */
bool vpr_conf_store(void *at, const struct vpr_conf_key *key, const struct vpr_conf_value *value,
                    char *why, size_t why_size);
/* "a number from 1 to 65535", "one of debug, info, warn, error". */
void vpr_conf_accepts(char *text, size_t size, const struct vpr_conf_key *key);

#endif
