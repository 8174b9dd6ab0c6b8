#include "app/host/conf.h"

#include <stdio.h>
#include <stdlib.h>

#include "app/base/bytes.h"
#include "app/host/conf_value.h"
#include "app/host/file.h"

#define KEYS_MAX 64 /* of one table */
#define KNOWN_BYTES_MAX 400

/* One [table] of the file that is being read. */
struct section {
    const struct vpr_conf_table *table; /* NULL: unknown, its keys are skipped */
    uint8_t *base;                      /* its struct */
    unsigned line;
    unsigned at[KEYS_MAX]; /* line of each key that was given */
    bool stored[KEYS_MAX];
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

/* "known: [abci], [api]", or "there is none". */
static void list_known(char text[KNOWN_BYTES_MAX], const char *const *names, size_t count,
                       const char *open, const char *close)
{
    size_t len = (size_t)snprintf(text, KNOWN_BYTES_MAX, count > 0 ? "known: " : "there is none");

    for (size_t i = 0; i < count && len < KNOWN_BYTES_MAX; i++) {
        len += (size_t)snprintf(text + len, KNOWN_BYTES_MAX - len, "%s%s%s%s",
                                i > 0 ? ", " : "", open, names[i], close);
    }
}

static size_t table_names(const struct vpr_conf_schema *schema,
                          const char *names[VPR_CONF_TABLES_MAX])
{
    size_t count = 0;

    for (size_t i = 0; i < schema->table_count && count < VPR_CONF_TABLES_MAX; i++) {
        if (schema->tables[i].name[0] != '\0') {
            names[count++] = schema->tables[i].name;
        }
    }
    return count;
}

static void unknown_table(struct reader *r, const char *name)
{
    const char *names[VPR_CONF_TABLES_MAX] = {NULL};
    const size_t count = table_names(r->schema, names);
    const char *near = vpr_nearest(name, names, count);
    if (near != NULL) {
        fault(r, r->line, "unknown table [%s]; did you mean [%s]?", name, near);
        return;
    }
    char known[KNOWN_BYTES_MAX];
    list_known(known, names, count, "[", "]");
    fault(r, r->line, "unknown table [%s]; %s", name, known);
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
        return;
    }
    char known[KNOWN_BYTES_MAX];
    list_known(known, names, s->table->key_count, "", "");
    fault(r, r->line, "unknown key '%s'%s; %s", name, where, known);
}

/* The place of a key in its table; false, with the error, if it is none of it. */
static bool find_key(struct reader *r, const struct section *s, const char *name, size_t *ret)
{
    for (size_t i = 0; i < s->table->key_count; i++) {
        if (strcmp(s->table->keys[i].name, name) == 0) {
            *ret = i;
            return true;
        }
    }
    unknown_key(r, s, name);
    return false;
}

static void set_key(struct reader *r, struct section *s, size_t i,
                    const struct vpr_conf_value *value)
{
    const struct vpr_conf_key *key = &s->table->keys[i];
    char why[512];

    if (s->at[i] > 0) {
        fault(r, r->line, "key '%s' was already given in line %u", key->name, s->at[i]);
        return;
    }
    s->at[i] = r->line;
    s->stored[i] = vpr_conf_store(s->base + key->offset, key, value, why, sizeof why);
    if (!s->stored[i]) {
        fault(r, r->line, "%s: %s", key->name, why);
    }
}

/* Its value has no form: say what would have. */
static void spoil_key(struct reader *r, struct section *s, size_t i, const char *why)
{
    const struct vpr_conf_key *key = &s->table->keys[i];
    char accepts[256];

    vpr_conf_accepts(accepts, sizeof accepts, key);
    fault(r, r->line, "%s: %s; %s is expected", key->name, why, accepts);
    s->at[i] = s->at[i] > 0 ? s->at[i] : r->line;
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
    size_t i = 0;

    if (!vpr_conf_key_name(c, name)) {
        fault(r, r->line, "%s", c->why);
        return;
    }
    const bool formed = vpr_conf_value(c, &value, r->arena);
    if (now != NULL && now->table == NULL && now->name[0] == '\0') {
        const char *names[VPR_CONF_TABLES_MAX];
        char known[KNOWN_BYTES_MAX];
        list_known(known, names, table_names(r->schema, names), "[", "]");
        fault(r, r->line, "unknown key '%s' before the first [table]; %s", name, known);
    } else if (now == NULL || now->table == NULL) {
        /* said at its table already */
        if (!formed) {
            fault(r, r->line, "%s", c->why);
        }
    } else if (find_key(r, now, name, &i)) {
        if (formed) {
            set_key(r, now, i, &value);
        } else {
            spoil_key(r, now, i, c->why);
        }
    }
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

/* --- what only the whole shows --------------------------------------------------------- */

struct vpr_conf_checker {
    struct reader *reader;
};

static unsigned line_of(const struct reader *r, const char *table, const char *key)
{
    for (size_t i = 0; i < r->section_count; i++) {
        const struct section *s = &r->sections[i];
        if (s->table == NULL || strcmp(s->name, table) != 0) {
            continue;
        }
        for (size_t k = 0; key != NULL && k < s->table->key_count; k++) {
            if (strcmp(s->table->keys[k].name, key) == 0 && s->at[k] > 0) {
                return s->at[k];
            }
        }
        return table[0] == '\0' ? 0 : s->line;
    }
    return 0;
}

void vpr_conf_wrong(struct vpr_conf_checker *checker, const char *table, const char *key,
                    const char *fmt, ...)
{
    char text[512];
    va_list args;

    va_start(args, fmt);
    (void)vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    fault(checker->reader, line_of(checker->reader, table, key), "%s%s%s", key ? key : "",
          key ? ": " : "", text);
}

/* --- what is missing ------------------------------------------------------------------- */

static bool is_text(const struct vpr_conf_key *key)
{
    return key->type == VPR_CONF_STRING || key->type == VPR_CONF_LISTEN ||
           key->type == VPR_CONF_URL;
}

static void fill_default(struct reader *r, const struct section *s, size_t i)
{
    const struct vpr_conf_key *key = &s->table->keys[i];
    uint8_t *at = s->base + key->offset;
    const char *const empty = "";
    struct vpr_conf_value value;
    char why[512];

    if (key->value != NULL) {
        struct vpr_bytes text = vpr_bytes_str(key->value);
        struct vpr_conf_cursor c = {.at = text.data, .end = text.data + text.len, .line = 1};
        VPR_ASSERT(vpr_conf_value(&c, &value, r->arena));
        VPR_ASSERT(vpr_conf_store(at, key, &value, why, sizeof why));
        return;
    }
    if (s->at[i] == 0) {
        char accepts[256];
        vpr_conf_accepts(accepts, sizeof accepts, key);
        fault(r, s->line, "%s%s%skey '%s' must be given: %s", s->name[0] ? "[" : "", s->name,
              s->name[0] ? "]: " : "", key->name, accepts);
    }
    if (is_text(key)) {
        memcpy(at, &empty, sizeof empty);
    }
}

static void fill_defaults(struct reader *r, const struct section *s)
{
    for (size_t i = 0; i < s->table->key_count; i++) {
        if (!s->stored[i]) {
            fill_default(r, s, i);
        }
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
    if (schema->check != NULL) {
        struct vpr_conf_checker checker = {&r};
        schema->check(target, &checker);
    }
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
