#include "app/base/err.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

struct code_entry {
    enum vpr_code code;
    const char *name;
    const char *text;
};

static const struct code_entry codes[] = {
#define X(name, number, text) {VPR_##name, #name, text},
    VPR_CODES(X)
#undef X
};

void vpr_halt(const char *file, int line, const char *reason)
{
    (void)fflush(stdout);
    (void)fprintf(stderr, "halt: %s:%d: %s\n", file, line, reason);
    (void)fflush(stderr);
    abort();
}

size_t vpr_format(char *text, size_t size, const char *fmt, va_list args)
{
    int len = vsnprintf(text, size, fmt, args);
    VPR_ASSERT(len >= 0);
    return (size_t)len;
}

/* Bytes of the letter at `s`, as its first byte says and the others agree; 0: none. */
static size_t letter(const unsigned char *s)
{
    size_t n = s[0] < 0x20 || s[0] == 0x7f   ? 0
               : s[0] < 0x80                 ? 1
               : s[0] >= 0xc2 && s[0] < 0xe0 ? 2
               : s[0] >= 0xe0 && s[0] < 0xf0 ? 3
               : s[0] >= 0xf0 && s[0] < 0xf5 ? 4
                                             : 0;
    for (size_t i = 1; i < n; i++) {
        if ((s[i] & 0xc0) != 0x80) {
            return 0;
        }
    }
    return n;
}

/* A sentence quotes what others wrote, and cuts it: it goes into logs, JSON and protobuf,
 * which want one line of UTF-8. */
static void clean(char *text)
{
    for (size_t i = 0; text[i] != '\0';) {
        size_t n = letter((const unsigned char *)text + i);
        if (n == 0) {
            text[i] = '?';
            n = 1;
        }
        i += n;
    }
}

enum vpr_code vpr_fail(struct vpr_err *err, enum vpr_code code, const char *fmt, ...)
{
    VPR_ASSERT(code != VPR_OK);
    if (err != NULL) {
        va_list args;
        va_start(args, fmt);
        err->code = code;
        (void)vpr_format(err->text, sizeof err->text, fmt, args); /* cut when too long */
        va_end(args);
        clean(err->text);
    }
    return code;
}

static const struct code_entry *find(enum vpr_code code)
{
    for (size_t i = 0; i < VPR_COUNT(codes); i++) {
        if (codes[i].code == code) {
            return &codes[i];
        }
    }
    VPR_HALT("a refusal without a number");
}

const char *vpr_code_name(enum vpr_code code)
{
    return find(code)->name;
}

const char *vpr_code_text(enum vpr_code code)
{
    return find(code)->text;
}
