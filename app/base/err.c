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

enum vpr_code vpr_fail(struct vpr_err *err, enum vpr_code code, const char *fmt, ...)
{
    VPR_ASSERT(code != VPR_OK);
    if (err != NULL) {
        va_list args;
        va_start(args, fmt);
        err->code = code;
        (void)vpr_format(err->text, sizeof err->text, fmt, args); /* cut when too long */
        va_end(args);
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
