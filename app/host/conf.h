/* conf.h - configuration files: a strict subset of TOML, read by one table.
 *
 *   name = "text"   count = 1_000   on = true   list = ["a", "b"]   # comment
 *   [table]
 *
 * A program states its keys once: name, type, bounds, default, help.  From that come the
 * values, the sample file, `check` and every message.  All errors of a file are reported in
 * one run, with file, line and the accepted values.
 *
 * No nesting, dates, floats, inline tables, multi-line strings; a table's name is one bare
 * key, or, for tables that may occur many times, "chain-*" for [chain-0001], [chain-0002].
 * Limits: 256 KiB, 64 tables, 256 items a list, 50 errors shown. */
#ifndef VPR_HOST_CONF_H
#define VPR_HOST_CONF_H

#include "app/base/arena.h"
#include "app/host/buf.h"

#define VPR_CONF_BYTES_MAX (256 * 1024)
#define VPR_CONF_TABLES_MAX 64
#define VPR_CONF_LIST_MAX 256
#define VPR_CONF_ERRORS_MAX 50

enum vpr_conf_type {
    VPR_CONF_STRING, /* const char *; min, max: its length */
    VPR_CONF_UINT,   /* uint64_t; min, max: its value */
    VPR_CONF_BOOL,   /* bool */
    VPR_CONF_LIST,   /* struct vpr_conf_list of strings; min, max: how many */
    VPR_CONF_LISTEN, /* const char *: numeric address and port; min 0: or empty */
    VPR_CONF_URL,    /* const char *: http(s)://...; min 0: or empty */
};

struct vpr_conf_list {
    const char *const *items;
    size_t count;
};

struct vpr_conf_key {
    const char *name; /* kebab-case */
    enum vpr_conf_type type;
    size_t offset;    /* in the struct of its table */
    uint64_t min, max; /* inclusive; max 0: 1,024 for lengths, 256 for lists, 2^63 - 1 */
    const char *value; /* default, written as in the file: "\"text\"", "5", "true", "[]"; NULL:
                        * must be given */
    const char *choices; /* "debug|info|warn|error": the accepted strings, NULL: any */
    const char *help;
};

struct vpr_conf_table {
    const char *name; /* "" before the first [table]; "chain-*" for many */
    const struct vpr_conf_key *keys;
    size_t key_count;
    const char *help;
    /* Where the values go in the target: one table: at `offset`.  Many: a pointer to an
     * array at `offset` (struct of `size` bytes, whose first member is `const char *` and
     * gets what stood for the star) and its length, a size_t, at `count_offset`. */
    size_t offset, size, count_offset;
};

/* What no key shows by itself: two that exclude each other, a table's name.  Called for every
 * file; a key that was faulty reads as its default, or as "", 0, an empty list. */
struct vpr_conf_checker;
typedef void vpr_conf_check_fn(const void *target, struct vpr_conf_checker *checker);
/* One more error: in the line of `key`, else of [table] ("" or, say, "chain-0001"), else of
 * the file; key may be NULL. */
void vpr_conf_wrong(struct vpr_conf_checker *checker, const char *table, const char *key,
                    const char *fmt, ...) VPR_PRINTF(4, 5);

struct vpr_conf_schema {
    const char *program; /* for the sample's head */
    const struct vpr_conf_table *tables;
    size_t table_count;
    size_t size; /* of the target struct */
    vpr_conf_check_fn *check; /* NULL: none */
};

/* Read `text` into `target`, zeroed first; strings lie in the arena.  False: `errors` has a
 * line for each fault ("relay.toml:3: ...") and the target is not to be used. */
VPR_MUST_USE bool vpr_conf_parse(void *target, const struct vpr_conf_schema *schema,
                                 struct vpr_arena *arena, const char *file,
                                 struct vpr_bytes text, struct vpr_buf *errors);
/* The same from a file; one that cannot be read is an error of its own line. */
VPR_MUST_USE bool vpr_conf_load(void *target, const struct vpr_conf_schema *schema,
                                struct vpr_arena *arena, const char *path,
                                struct vpr_buf *errors);

/* A file with every key, its help, bounds and default; it parses once the keys that must be
 * given are filled in. */
void vpr_conf_sample(struct vpr_buf *out, const struct vpr_conf_schema *schema);

/* The nearest of `count` words, if it is near enough to be meant; else NULL. */
const char *vpr_nearest(const char *word, const char *const *words, size_t count);

#endif
