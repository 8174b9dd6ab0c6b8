#include "app/host/log.h"

#include <errno.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

static const char *const names[] = {"debug", "info", "warn", "error"};
static atomic_int level_now = VPR_LOG_INFO;
static atomic_int fd_now = 2;

struct line {
    char text[VPR_LOG_LINE_MAX];
    size_t len; /* stops four bytes early, for "...\n" */
    bool cut;
};

void vpr_log_setup(enum vpr_log_level level, int fd)
{
    atomic_store(&level_now, (int)level);
    atomic_store(&fd_now, fd);
}

bool vpr_log_level_of(enum vpr_log_level *ret, const char *name)
{
    for (size_t i = 0; i < VPR_COUNT(names); i++) {
        if (strcmp(name, names[i]) == 0) {
            *ret = (enum vpr_log_level)i;
            return true;
        }
    }
    return false;
}

bool vpr_log_on(enum vpr_log_level level)
{
    return (int)level >= atomic_load_explicit(&level_now, memory_order_relaxed);
}

static void add(struct line *line, const char *text, size_t len)
{
    size_t room = sizeof line->text - 4 - line->len;
    if (len > room) {
        len = room;
        line->cut = true;
    }
    memcpy(line->text + line->len, text, len);
    line->len += len;
}

static bool plain(const char *text, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)text[i];
        if (c <= 0x20 || c >= 0x7f || c == '"' || c == '=' || c == '\\') {
            return false;
        }
    }
    return len > 0;
}

/* As it is if it can stand alone, else quoted with everything unprintable escaped. */
static void add_value(struct line *line, const char *text, size_t len)
{
    if (plain(text, len)) {
        add(line, text, len);
        return;
    }
    add(line, "\"", 1);
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)text[i];
        char esc[8];
        if (c == '"' || c == '\\') {
            esc[0] = '\\';
            esc[1] = (char)c;
            add(line, esc, 2);
        } else if (c < 0x20 || c == 0x7f) {
            int n = snprintf(esc, sizeof esc, "\\x%02x", c);
            add(line, esc, (size_t)n);
        } else {
            add(line, text + i, 1);
        }
    }
    add(line, "\"", 1);
}

/* The integer of a conversion: 'd' signed, else unsigned; `size` is the count of l (2: ll,
 * z, j), h is int anyway. */
struct spec {
    char kind;
    unsigned longs;
    int digits; /* of hex, zero-padded: "%04x" */
    bool precise;
};

static const char *parse_spec(struct spec *ret, const char *at)
{
    struct spec spec = {.longs = 0};

    VPR_ASSERT(*at == '%');
    at++;
    if (strncmp(at, ".*", 2) == 0) {
        spec.precise = true;
        at += 2;
    }
    if (at[0] == '0' && at[1] >= '1' && at[1] <= '8') {
        spec.digits = at[1] - '0';
        at += 2;
    }
    while (strchr("hlzj", *at) != NULL && *at != '\0') {
        spec.longs += *at == 'l' ? 1 : *at == 'h' ? 0 : 2;
        at++;
    }
    spec.kind = *at;
    VPR_ASSERT(spec.kind != '\0' && strchr("sdiuxc", spec.kind) != NULL);
    *ret = spec;
    return at + 1;
}

/* A va_list can be passed on only inside a struct. */
struct args {
    va_list list;
};

static void add_arg(struct line *line, const struct spec *spec, struct args *args)
{
    char text[32];
    int n = 0;

    if (spec->kind == 's') {
        int max = spec->precise ? va_arg(args->list, int) : -1;
        const char *s = va_arg(args->list, const char *);
        s = s == NULL ? "" : s;
        add_value(line, s, max < 0 ? strlen(s) : strnlen(s, (size_t)max));
        return;
    }
    if (spec->kind == 'c') {
        text[0] = (char)va_arg(args->list, int);
        add_value(line, text, 1);
        return;
    }
    if (spec->kind == 'd' || spec->kind == 'i') {
        long long v = spec->longs == 0   ? va_arg(args->list, int)
                      : spec->longs == 1 ? va_arg(args->list, long)
                                         : va_arg(args->list, long long);
        n = snprintf(text, sizeof text, "%lld", v);
    } else {
        unsigned long long v = spec->longs == 0   ? va_arg(args->list, unsigned)
                               : spec->longs == 1 ? va_arg(args->list, unsigned long)
                                                  : va_arg(args->list, unsigned long long);
        n = spec->kind == 'x' ? snprintf(text, sizeof text, "%0*llx", spec->digits, v)
                              : snprintf(text, sizeof text, "%llu", v);
    }
    add(line, text, (size_t)n);
}

static void add_pairs(struct line *line, const char *fmt, struct args *args)
{
    struct spec spec;
    while (*fmt != '\0') {
        size_t key = strcspn(fmt, "%");
        add(line, " ", 1);
        add(line, fmt, key);
        if (fmt[key] == '\0') {
            return; /* a literal tail such as "state=ready" */
        }
        fmt = parse_spec(&spec, fmt + key);
        add_arg(line, &spec, args);
        fmt += *fmt == ' ' ? 1 : 0;
    }
}

static void add_prefix(struct line *line, enum vpr_log_level level, const char *part,
                       const char *event)
{
    struct timespec now;
    struct tm tm;
    char text[64];

    (void)clock_gettime(CLOCK_REALTIME, &now);
    (void)gmtime_r(&now.tv_sec, &tm);
    size_t len = strftime(text, sizeof text, "time=%Y-%m-%dT%H:%M:%S", &tm);
    int n = snprintf(text + len, sizeof text - len, ".%03dZ", (int)(now.tv_nsec / 1000000));
    add(line, text, len + (size_t)n);
    add(line, " level=", 7);
    add(line, names[level], strlen(names[level]));
    add(line, " part=", 6);
    add_value(line, part, strlen(part));
    add(line, " event=", 7);
    add_value(line, event, strlen(event));
}

void vpr_log(enum vpr_log_level level, const char *part, const char *event, const char *fmt,
             ...)
{
    struct line line;
    struct args args;

    if (!vpr_log_on(level)) {
        return;
    }
    line.len = 0;
    line.cut = false;
    add_prefix(&line, level, part, event);
    va_start(args.list, fmt);
    if (fmt != NULL) {
        add_pairs(&line, fmt, &args);
    }
    va_end(args.list);
    memcpy(line.text + line.len, line.cut ? "...\n" : "\n", line.cut ? 4 : 1);
    line.len += line.cut ? 4 : 1;
    while (write(atomic_load(&fd_now), line.text, line.len) < 0 && errno == EINTR) {
    }
}
