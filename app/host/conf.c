#include "app/host/conf.h"

#include <stdio.h>
#include <stdlib.h>

#include "app/base/bytes.h"
#include "app/host/conf_value.h"
#include "app/host/file.h"

#define KEYS_MAX 64 /* of one table */

/* One [table] of the file that is being read. */
struct section {
    const struct vpr_conf_table *table; /* NULL: unknown, its keys are skipped */
    uint8_t *base;                      /* its struct */
    unsigned line;
    bool given[KEYS_MAX];
    char name[VPR_CONF_NAME_MAX + 1];
};

struct reader {
    const struct vpr_conf_schema *schema;
    struct vpr_arena *arena;
    uint8_t *target;
    const char *file;
    unsigned line;
    struct vpr_buf *errors;
    unsigned error_count;
    struct section *sections;
    size_t section_count;
};

static void fault(struct reader *r, unsigned line, const char *fmt, ...) VPR_PRINTF(3, 4);

static void fault(struct reader *r, unsigned line, const char *fmt, ...)
{
    va_list args;
    if (++r->error_count > VPR_CONF_ERRORS_MAX) {
        if (r->error_count == VPR_CONF_ERRORS_MAX + 1) {
            vpr_buf_printf(r->errors, "%s: more errors follow\n", r->file);
        }
        return;
    }
    if (line > 0) {
        vpr_buf_printf(r->errors, "%s:%u: ", r->file, line);
    } else {
        vpr_buf_printf(r->errors, "%s: ", r->file);
    }
    va_start(args, fmt);
    vpr_buf_vprintf(r->errors, fmt, args);
    va_end(args);
    vpr_buf_char(r->errors, '\n');
}

/* --- near misses ----------------------------------------------------------------------- */

/* Letters to insert, remove, replace or swap. */
static size_t distance(const char *a, const char *b)
{
    size_t rows[3][VPR_CONF_NAME_MAX + 1];
    size_t la = strlen(a);
    size_t lb = strlen(b);

    if (la > VPR_CONF_NAME_MAX || lb > VPR_CONF_NAME_MAX) {
        return SIZE_MAX;
    }
    for (size_t j = 0; j <= lb; j++) {
        rows[0][j] = j;
    }
    for (size_t i = 1; i <= la; i++) {
        size_t *now = rows[i % 3];
        const size_t *last = rows[(i + 2) % 3];
        const size_t *before = rows[(i + 1) % 3];
        now[0] = i;
        for (size_t j = 1; j <= lb; j++) {
            size_t best = last[j - 1] + (a[i - 1] != b[j - 1] ? 1 : 0);
            best = last[j] + 1 < best ? last[j] + 1 : best;
            best = now[j - 1] + 1 < best ? now[j - 1] + 1 : best;
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] &&
                before[j - 2] + 1 < best) {
                best = before[j - 2] + 1;
            }
            now[j] = best;
        }
    }
    return rows[la % 3][lb];
}

const char *vpr_nearest(const char *word, const char *const *words, size_t count)
{
    const char *found = NULL;
    size_t best = strlen(word) / 3 + 1;

    for (size_t i = 0; i < count; i++) {
        size_t d = distance(word, words[i]);
        if (d < best || (d == best && found == NULL)) {
            best = d;
            found = words[i];
        }
    }
    return found;
}

/* --- tables ---------------------------------------------------------------------------- */

static bool is_many(const struct vpr_conf_table *t)
{
    size_t len = strlen(t->name);
    return len > 0 && t->name[len - 1] == '*';
}

static bool fits(const struct vpr_conf_table *t, const char *name)
{
    if (!is_many(t)) {
        return strcmp(t->name, name) == 0;
    }
    size_t len = strlen(t->name) - 1;
    return strncmp(t->name, name, len) == 0 && name[len] != '\0';
}

static const struct vpr_conf_table *find_table(const struct vpr_conf_schema *schema,
                                               const char *name)
{
    for (size_t i = 0; i < schema->table_count; i++) {
        if (fits(&schema->tables[i], name)) {
            return &schema->tables[i];
        }
    }
    return NULL;
}

/* Room for the values of a section.  Those that occur many times are gathered at the end. */
static void place(struct reader *r, struct section *s)
{
    if (s->table == NULL) {
        return;
    }
    if (!is_many(s->table)) {
        s->base = r->target + s->table->offset;
        return;
    }
    const char *star = s->name + strlen(s->table->name) - 1;
    s->base = vpr_arena_alloc(r->arena, s->table->size);
    const char *copy = vpr_arena_copy(r->arena, star, strlen(star) + 1);
    memcpy(s->base, &copy, sizeof copy);
}

static struct section *open_section(struct reader *r, const char *name)
{
    for (size_t i = 0; i < r->section_count; i++) {
        if (strcmp(r->sections[i].name, name) == 0) {
            if (r->sections[i].line > 0 || name[0] != '\0') {
                fault(r, r->line, "[%s] was already given in line %u", name,
                      r->sections[i].line);
            }
            return &r->sections[i];
        }
    }
    if (r->section_count == VPR_CONF_TABLES_MAX) {
        fault(r, r->line, "more than %d tables", VPR_CONF_TABLES_MAX);
        return NULL;
    }
    struct section *s = &r->sections[r->section_count++];
    s->table = find_table(r->schema, name);
    s->line = r->line;
    (void)snprintf(s->name, sizeof s->name, "%s", name);
    place(r, s);
    return s;
}

static void unknown_table(struct reader *r, const char *name)
{
    const char *names[VPR_CONF_TABLES_MAX];
    size_t count = 0;

    for (size_t i = 0; i < r->schema->table_count && count < VPR_CONF_TABLES_MAX; i++) {
        if (r->schema->tables[i].name[0] != '\0') {
            names[count++] = r->schema->tables[i].name;
        }
    }
    const char *near = vpr_nearest(name, names, count);
    if (near != NULL) {
        fault(r, r->line, "unknown table [%s]; did you mean [%s]?", name, near);
    } else {
        fault(r, r->line, "unknown table [%s]", name);
    }
}

/* --- keys ------------------------------------------------------------------------------ */

static void unknown_key(struct reader *r, const struct section *s, const char *name)
{
    const char *names[KEYS_MAX];
    char where[VPR_CONF_NAME_MAX + 8] = "";

    for (size_t i = 0; i < s->table->key_count; i++) {
        names[i] = s->table->keys[i].name;
    }
    if (s->name[0] != '\0') {
        (void)snprintf(where, sizeof where, " in [%s]", s->name);
    }
    const char *near = vpr_nearest(name, names, s->table->key_count);
    if (near != NULL) {
        fault(r, r->line, "unknown key '%s'%s; did you mean '%s'?", name, where, near);
    } else {
        fault(r, r->line, "unknown key '%s'%s", name, where);
    }
}

static void set_key(struct reader *r, struct section *s, const char *name,
                    const struct vpr_conf_value *value)
{
    char why[512];

    if (s == NULL || s->table == NULL) {
        return; /* said at its table already */
    }
    for (size_t i = 0; i < s->table->key_count; i++) {
        const struct vpr_conf_key *key = &s->table->keys[i];
        if (strcmp(key->name, name) != 0) {
            continue;
        }
        if (s->given[i]) {
            fault(r, r->line, "key '%s' occurs twice", name);
        } else if (!vpr_conf_store(s->base + key->offset, key, value, why,
                                   sizeof why)) {
            fault(r, r->line, "%s: %s", name, why);
        }
        s->given[i] = true;
        return;
    }
    unknown_key(r, s, name);
}

static void read_table_line(struct reader *r, struct vpr_conf_cursor *c, struct section **now)
{
    char name[VPR_CONF_NAME_MAX + 1];

    if (!vpr_conf_table_name(c, name)) {
        fault(r, r->line, "%s", c->why);
        *now = NULL;
        return;
    }
    *now = open_section(r, name);
    if (*now != NULL && (*now)->table == NULL) {
        unknown_table(r, name);
    }
}

static void read_key_line(struct reader *r, struct vpr_conf_cursor *c, struct section *now)
{
    char name[VPR_CONF_NAME_MAX + 1];
    struct vpr_conf_value value;

    if (!vpr_conf_key_name(c, name) || !vpr_conf_value(c, &value, r->arena)) {
        fault(r, r->line, "%s", c->why);
        return;
    }
    set_key(r, now, name, &value);
}

/* A list may go over several lines; everything else ends with its own. */
static void read_lines(struct reader *r, struct vpr_bytes text)
{
    struct vpr_conf_cursor c = {.at = text.data, .end = text.data + text.len, .line = 1};
    struct section *now = open_section(r, "");

    while (vpr_conf_next_line(&c)) {
        r->line = c.line;
        c.why = NULL;
        if (c.at < c.end && *c.at == '[') {
            read_table_line(r, &c, &now);
        } else {
            read_key_line(r, &c, now);
        }
        if (c.why == NULL && !vpr_conf_line_end(&c)) {
            fault(r, r->line, "%s", c.why);
        }
        if (c.why != NULL) {
            vpr_conf_skip_line(&c);
        }
    }
}

/* --- what is missing ------------------------------------------------------------------- */

static void fill_defaults(struct reader *r, struct section *s)
{
    char why[512];

    for (size_t i = 0; i < s->table->key_count; i++) {
        const struct vpr_conf_key *key = &s->table->keys[i];
        struct vpr_conf_value value;
        if (s->given[i]) {
            continue;
        }
        if (key->value == NULL) {
            char accepts[256];
            vpr_conf_accepts(accepts, sizeof accepts, key);
            fault(r, s->line, "%s%s%skey '%s' must be given: %s", s->name[0] ? "[" : "",
                  s->name, s->name[0] ? "]: " : "", key->name, accepts);
            continue;
        }
        struct vpr_bytes text = vpr_bytes_str(key->value);
        struct vpr_conf_cursor c = {.at = text.data, .end = text.data + text.len, .line = 1};
        VPR_ASSERT(vpr_conf_value(&c, &value, r->arena));
        VPR_ASSERT(vpr_conf_store(s->base + key->offset, key, &value, why, sizeof why));
    }
}

/* Arrays of the tables that occur many times, in the order of the file. */
static void gather(struct reader *r, const struct vpr_conf_table *t)
{
    size_t count = 0;
    for (size_t i = 0; i < r->section_count; i++) {
        count += r->sections[i].table == t ? 1 : 0;
    }
    uint8_t *items = vpr_arena_alloc_array(r->arena, t->size, count + 1);
    size_t at = 0;
    for (size_t i = 0; i < r->section_count; i++) {
        if (r->sections[i].table == t) {
            memcpy(items + at++ * t->size, r->sections[i].base, t->size);
        }
    }
    memcpy(r->target + t->offset, &items, sizeof items);
    memcpy(r->target + t->count_offset, &count, sizeof count);
}

static void complete(struct reader *r)
{
    for (size_t i = 0; i < r->schema->table_count; i++) {
        const struct vpr_conf_table *t = &r->schema->tables[i];
        VPR_ASSERT(t->key_count <= KEYS_MAX);
        bool given = false;
        for (size_t k = 0; k < r->section_count; k++) {
            given = given || r->sections[k].table == t;
        }
        if (!given && !is_many(t)) {
            r->line = 0;
            if (open_section(r, t->name) == NULL) {
                return;
            }
        }
    }
    for (size_t i = 0; i < r->section_count; i++) {
        if (r->sections[i].table != NULL) {
            fill_defaults(r, &r->sections[i]);
        }
    }
    for (size_t i = 0; i < r->schema->table_count; i++) {
        if (is_many(&r->schema->tables[i])) {
            gather(r, &r->schema->tables[i]);
        }
    }
}

bool vpr_conf_parse(void *target, const struct vpr_conf_schema *schema, struct vpr_arena *arena,
                    const char *file, struct vpr_bytes text, struct vpr_buf *errors)
{
    struct reader r = {.schema = schema, .arena = arena, .target = target, .file = file,
                       .errors = errors};

    memset(target, 0, schema->size);
    r.sections = VPR_ARENA_ARRAY(arena, struct section, VPR_CONF_TABLES_MAX);
    if (text.len > VPR_CONF_BYTES_MAX) {
        fault(&r, 0, "larger than %d bytes", VPR_CONF_BYTES_MAX);
        return false;
    }
    read_lines(&r, text);
    complete(&r);
    return r.error_count == 0;
}

bool vpr_conf_load(void *target, const struct vpr_conf_schema *schema, struct vpr_arena *arena,
                   const char *path, struct vpr_buf *errors)
{
    struct vpr_buf text;
    struct vpr_err err;
    bool ok;

    vpr_buf_init(&text, VPR_CONF_BYTES_MAX + 1);
    if (vpr_file_read(&text, path, &err) == VPR_OK) {
        ok = vpr_conf_parse(target, schema, arena, path, vpr_buf_bytes(&text), errors);
    } else {
        vpr_buf_printf(errors, "%s\n", err.text);
        ok = false;
    }
    vpr_buf_finish(&text);
    return ok;
}

/* --- the sample ------------------------------------------------------------------------ */

static void sample_key(struct vpr_buf *out, const struct vpr_conf_key *key)
{
    char accepts[256];

    vpr_conf_accepts(accepts, sizeof accepts, key);
    vpr_buf_printf(out, "\n# %s\n# %s.\n", key->help, accepts);
    if (key->value != NULL) {
        vpr_buf_printf(out, "%s = %s\n", key->name, key->value);
    } else {
        vpr_buf_printf(out, "# must be given:\n#%s =\n", key->name);
    }
}

void vpr_conf_sample(struct vpr_buf *out, const struct vpr_conf_schema *schema)
{
    vpr_buf_printf(out, "# Configuration of %s: every key, with its default.\n",
                   schema->program);
    for (size_t i = 0; i < schema->table_count; i++) {
        const struct vpr_conf_table *t = &schema->tables[i];
        bool many = is_many(t);
        struct vpr_buf part;
        vpr_buf_init(&part, out->max);
        for (size_t k = 0; k < t->key_count; k++) {
            sample_key(&part, &t->keys[k]);
        }
        if (t->name[0] != '\0') {
            vpr_buf_printf(out, "\n# %s\n%s[%.*s%s]\n", t->help, many ? "#" : "",
                           (int)strlen(t->name) - (many ? 1 : 0), t->name,
                           many ? "NAME" : "");
        }
        /* An example of a table that may be absent stays a comment. */
        for (const char *at = part.data; at != NULL && *at != '\0';) {
            size_t len = strcspn(at, "\n");
            bool comment = many && len > 0 && *at != '#';
            vpr_buf_printf(out, "%s%.*s\n", comment ? "#" : "", (int)len, at);
            at += len + (at[len] == '\n' ? 1 : 0);
        }
        vpr_buf_finish(&part);
    }
}
