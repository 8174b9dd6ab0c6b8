#include "app/host/http_parse.h"

#include "app/base/bytes.h"

/* RFC 9110, 5.6.2: tchar. */
static bool is_tchar(uint8_t c)
{
    if ((c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z')) {
        return true;
    }
    return c != 0 && strchr("!#$%&'*+-.^_`|~", c) != NULL;
}

static uint8_t lower(uint8_t c)
{
    return c >= 'A' && c <= 'Z' ? (uint8_t)(c + 32) : c;
}

bool vpr_http_is(struct vpr_bytes text, const char *word)
{
    for (size_t i = 0; i < text.len; i++) {
        if (word[i] == '\0' || lower(text.data[i]) != lower((uint8_t)word[i])) {
            return false;
        }
    }
    return word[text.len] == '\0';
}

static struct vpr_bytes trim(struct vpr_bytes text)
{
    while (text.len > 0 && (text.data[0] == ' ' || text.data[0] == '\t')) {
        text.data++;
        text.len--;
    }
    while (text.len > 0 &&
           (text.data[text.len - 1] == ' ' || text.data[text.len - 1] == '\t')) {
        text.len--;
    }
    return text;
}

bool vpr_http_has(struct vpr_bytes list, const char *word)
{
    size_t from = 0;
    for (size_t i = 0; i <= list.len; i++) {
        if (i < list.len && list.data[i] != ',') {
            continue;
        }
        if (vpr_http_is(trim(vpr_bytes_of(list.data + from, i - from)), word)) {
            return true;
        }
        from = i + 1;
    }
    return false;
}

const struct vpr_bytes *vpr_http_find(const struct vpr_http_header *headers, size_t count,
                                      const char *name)
{
    for (size_t i = 0; i < count; i++) {
        if (vpr_http_is(headers[i].name, name)) {
            return &headers[i].value;
        }
    }
    return NULL;
}

bool vpr_http_name_ok(struct vpr_bytes name)
{
    for (size_t i = 0; i < name.len; i++) {
        if (!is_tchar(name.data[i])) {
            return false;
        }
    }
    return name.len > 0;
}

bool vpr_http_value_ok(struct vpr_bytes value)
{
    for (size_t i = 0; i < value.len; i++) {
        uint8_t c = value.data[i];
        if ((c < 0x20 && c != '\t') || c == 0x7f) {
            return false;
        }
    }
    return true;
}

void vpr_http_parser_init(struct vpr_http_parser *p, enum vpr_http_kind kind, size_t body_max)
{
    memset(p, 0, sizeof *p);
    p->kind = kind;
    p->body_max = body_max;
    vpr_buf_init(&p->head, VPR_HTTP_HEAD_BYTES_MAX);
    vpr_buf_init(&p->body, body_max);
}

void vpr_http_parser_finish(struct vpr_http_parser *p)
{
    vpr_buf_finish(&p->head);
    vpr_buf_finish(&p->body);
}

static void clear_message(struct vpr_http_parser *p)
{
    p->state = VPR_HTTP_HEAD;
    p->method = p->target = (struct vpr_bytes){NULL, 0};
    p->status = 0;
    p->header_count = 0;
    p->keep_alive = p->expect_continue = p->chunked = false;
    p->line_start = p->line_len = p->trailer_bytes = 0;
    p->left = 0;
    vpr_buf_reset(&p->head);
    vpr_buf_reset(&p->body);
}

void vpr_http_parser_reset(struct vpr_http_parser *p)
{
    clear_message(p);
    p->to_head = false;
    p->bad_status = 0;
    p->bad_why = NULL;
}

bool vpr_http_parse_idle(const struct vpr_http_parser *p)
{
    return p->state == VPR_HTTP_HEAD && p->head.len == 0;
}

static bool bad(struct vpr_http_parser *p, uint32_t status, const char *why)
{
    p->state = VPR_HTTP_BAD;
    p->bad_status = status;
    p->bad_why = why;
    p->keep_alive = false;
    return false;
}

/* "HTTP/1.0" or "HTTP/1.1", nothing else. */
static bool take_version(struct vpr_http_parser *p, struct vpr_bytes text)
{
    if (text.len != 8 || memcmp(text.data, "HTTP/", 5) != 0) {
        return bad(p, 400, "not an HTTP version");
    }
    if (memcmp(text.data + 5, "1.1", 3) != 0 && memcmp(text.data + 5, "1.0", 3) != 0) {
        return bad(p, 505, "HTTP version is not 1.0 or 1.1");
    }
    p->minor = (uint8_t)(text.data[7] - '0');
    return true;
}

static bool target_ok(struct vpr_bytes target, struct vpr_bytes method)
{
    if (target.len == 1 && target.data[0] == '*') {
        return vpr_bytes_equal(method, vpr_bytes_str("OPTIONS"));
    }
    if (target.len == 0 || target.data[0] != '/') {
        return false;
    }
    for (size_t i = 0; i < target.len; i++) {
        uint8_t c = target.data[i];
        if (c <= 0x20 || c >= 0x7f || c == '#') {
            return false;
        }
    }
    return true;
}

static bool request_line(struct vpr_http_parser *p, struct vpr_bytes line)
{
    const uint8_t *end = line.data + line.len;
    const uint8_t *sp1 = memchr(line.data, ' ', line.len);
    if (sp1 == NULL) {
        return bad(p, 400, "request line has no target");
    }
    const uint8_t *target = sp1 + 1;
    const uint8_t *sp2 = memchr(target, ' ', (size_t)(end - target));
    if (sp2 == NULL) {
        return bad(p, 400, "request line has no version");
    }
    p->method = vpr_bytes_of(line.data, (size_t)(sp1 - line.data));
    p->target = vpr_bytes_of(target, (size_t)(sp2 - target));
    if (!vpr_http_name_ok(p->method) || p->method.len > VPR_HTTP_METHOD_BYTES_MAX) {
        return bad(p, 400, "method is not a short token");
    }
    if (p->target.len > VPR_HTTP_TARGET_BYTES_MAX) {
        return bad(p, 414, "target is longer than 8 KiB");
    }
    if (!target_ok(p->target, p->method)) {
        return bad(p, 400, "target is not a path of printable characters");
    }
    return take_version(p, vpr_bytes_of(sp2 + 1, (size_t)(end - sp2 - 1)));
}

static bool status_line(struct vpr_http_parser *p, struct vpr_bytes line)
{
    if (line.len < 12 || line.data[8] != ' ' || (line.len > 12 && line.data[12] != ' ')) {
        return bad(p, 400, "not a status line");
    }
    if (!take_version(p, vpr_bytes_of(line.data, 8))) {
        return false;
    }
    for (size_t i = 9; i < 12; i++) {
        if (line.data[i] < '0' || line.data[i] > '9') {
            return bad(p, 400, "status is not three digits");
        }
        p->status = p->status * 10 + (uint32_t)(line.data[i] - '0');
    }
    if (p->status < 100 || p->status > 599) {
        return bad(p, 400, "status is not in 100..599");
    }
    return vpr_http_value_ok(line) || bad(p, 400, "control character in the status line");
}

static bool header_line(struct vpr_http_parser *p, struct vpr_bytes line,
                        struct vpr_http_header *ret)
{
    if (line.data[0] == ' ' || line.data[0] == '\t') {
        return bad(p, 400, "folded header line");
    }
    const uint8_t *colon = memchr(line.data, ':', line.len);
    if (colon == NULL) {
        return bad(p, 400, "header line has no colon");
    }
    struct vpr_bytes name = vpr_bytes_of(line.data, (size_t)(colon - line.data));
    struct vpr_bytes value = vpr_bytes_of(colon + 1, line.len - name.len - 1);
    if (!vpr_http_name_ok(name)) {
        return bad(p, 400, "header name is not a token");
    }
    if (!vpr_http_value_ok(value)) {
        return bad(p, 400, "control character in a header value");
    }
    *ret = (struct vpr_http_header){name, trim(value)};
    return true;
}

/* Plain digits below 2^63: "+5", "5, 5", "0x5" and "" are refused. */
static bool parse_length(struct vpr_http_parser *p, struct vpr_bytes text)
{
    uint64_t v = 0;
    if (text.len == 0 || text.len > 18) {
        return bad(p, 400, "Content-Length is not a plain number");
    }
    for (size_t i = 0; i < text.len; i++) {
        if (text.data[i] < '0' || text.data[i] > '9') {
            return bad(p, 400, "Content-Length is not a plain number");
        }
        v = v * 10 + (uint64_t)(text.data[i] - '0');
    }
    p->left = v;
    return true;
}

/* Headers that decide where the message ends or whom it is for: at most one of each. */
struct framing {
    const struct vpr_bytes *length, *coding, *host, *expect;
    bool close, keep;
};

static bool once(struct vpr_http_parser *p, const struct vpr_bytes **slot,
                 const struct vpr_bytes *value, const char *why)
{
    if (*slot != NULL) {
        return bad(p, 400, why);
    }
    *slot = value;
    return true;
}

static bool note_header(struct vpr_http_parser *p, struct framing *f,
                        const struct vpr_http_header *h)
{
    switch (h->name.len) {
    case 4:
        if (vpr_http_is(h->name, "host")) {
            return once(p, &f->host, &h->value, "more than one Host");
        }
        break;
    case 6:
        if (vpr_http_is(h->name, "expect")) {
            return once(p, &f->expect, &h->value, "more than one Expect");
        }
        break;
    case 10:
        if (vpr_http_is(h->name, "connection")) {
            f->close = f->close || vpr_http_has(h->value, "close");
            f->keep = f->keep || vpr_http_has(h->value, "keep-alive");
        }
        break;
    case 14:
        if (vpr_http_is(h->name, "content-length")) {
            return once(p, &f->length, &h->value, "more than one Content-Length");
        }
        break;
    case 17:
        if (vpr_http_is(h->name, "transfer-encoding")) {
            return once(p, &f->coding, &h->value, "more than one Transfer-Encoding");
        }
        break;
    default:
        break;
    }
    return true;
}

/* host[:port] or [v6][:port]; nothing that could hide a second target. */
static bool host_ok(struct vpr_bytes host)
{
    for (size_t i = 0; i < host.len; i++) {
        uint8_t c = host.data[i];
        if (c <= 0x20 || c >= 0x7f || strchr("/\\@?#,<>\"{}|^`", c) != NULL) {
            return false;
        }
    }
    return host.len > 0;
}

static bool check_request(struct vpr_http_parser *p, const struct framing *f)
{
    if (f->host == NULL && p->minor == 1) {
        return bad(p, 400, "no Host");
    }
    if (f->host != NULL && !host_ok(*f->host)) {
        return bad(p, 400, "Host is not a host and port");
    }
    if (f->expect != NULL) {
        if (p->minor == 0 || !vpr_http_is(*f->expect, "100-continue")) {
            return bad(p, 417, "Expect is not 100-continue");
        }
        p->expect_continue = true;
    }
    return true;
}

static bool body_follows(struct vpr_http_parser *p)
{
    if (p->kind == VPR_HTTP_REQUEST) {
        return true;
    }
    return !(p->to_head || p->status == 204 || p->status == 304);
}

static bool start_body(struct vpr_http_parser *p, const struct framing *f)
{
    if (f->length != NULL && f->coding != NULL) {
        return bad(p, 400, "both Content-Length and Transfer-Encoding");
    }
    if (f->length != NULL && !parse_length(p, *f->length)) {
        return false;
    }
    if (f->coding != NULL) {
        if (p->minor == 0) {
            return bad(p, 400, "Transfer-Encoding in HTTP/1.0");
        }
        if (!vpr_http_is(*f->coding, "chunked")) {
            return bad(p, 501, "transfer coding is not chunked");
        }
    }
    if (!body_follows(p)) {
        p->left = 0;
        p->state = VPR_HTTP_DONE;
        return true;
    }
    if (p->left > p->body_max) {
        return bad(p, 413, "body is larger than allowed");
    }
    if (f->coding != NULL) {
        p->chunked = true;
        p->state = VPR_HTTP_CHUNK_LINE;
    } else if (f->length == NULL && p->kind == VPR_HTTP_RESPONSE) {
        p->state = VPR_HTTP_BODY_EOF;
        p->keep_alive = false;
    } else {
        p->state = p->left > 0 ? VPR_HTTP_BODY : VPR_HTTP_DONE;
    }
    return true;
}

/* The head is whole: lines end with CRLF, the last one is empty. */
static bool take_head(struct vpr_http_parser *p)
{
    const uint8_t *at = (const uint8_t *)p->head.data;
    const uint8_t *end = at + p->head.len - 2;
    struct framing f = {0};
    bool first = true;

    while (at < end) {
        const uint8_t *nl = memchr(at, '\n', (size_t)(end - at));
        VPR_ASSERT(nl != NULL && nl > at);
        struct vpr_bytes line = vpr_bytes_of(at, (size_t)(nl - at) - 1);
        at = nl + 1;
        if (first) {
            first = false;
            if (!(p->kind == VPR_HTTP_REQUEST ? request_line(p, line) : status_line(p, line))) {
                return false;
            }
            continue;
        }
        if (p->header_count == VPR_HTTP_HEADERS_MAX) {
            return bad(p, 431, "more than 64 headers");
        }
        struct vpr_http_header *h = &p->headers[p->header_count];
        if (!header_line(p, line, h) || !note_header(p, &f, h)) {
            return false;
        }
        p->header_count++;
    }
    p->keep_alive = !f.close && (p->minor == 1 || f.keep);
    if (p->kind == VPR_HTTP_REQUEST && !check_request(p, &f)) {
        return false;
    }
    if (p->kind == VPR_HTTP_RESPONSE && p->status < 200) {
        if (p->status == 101) {
            return bad(p, 400, "unasked switch of protocols");
        }
        clear_message(p); /* an interim answer; the real one follows */
        return true;
    }
    return start_body(p, &f);
}

/* Copies whole lines into `head` until the empty one. */
static size_t feed_head(struct vpr_http_parser *p, const uint8_t *data, size_t len)
{
    size_t used = 0;
    while (used < len && p->state == VPR_HTTP_HEAD) {
        const uint8_t *nl = memchr(data + used, '\n', len - used);
        size_t take = nl == NULL ? len - used : (size_t)(nl - data) + 1 - used;
        vpr_buf_add(&p->head, data + used, take);
        used += take;
        if (p->head.over) {
            bad(p, 431, "head is larger than 16 KiB");
            break;
        }
        if (nl == NULL) {
            break;
        }
        size_t line = p->head.len - p->line_start;
        if (line < 2 || p->head.data[p->head.len - 2] != '\r') {
            bad(p, 400, "line does not end with CRLF");
            break;
        }
        if (line > 2) {
            p->line_start = p->head.len;
        } else if (p->head.len == 2) {
            bad(p, 400, "empty line before the start line");
        } else {
            take_head(p);
            break;
        }
    }
    return used;
}

/* RFC 9112, 7.1: hex digits and CRLF; extensions are refused. */
static void take_chunk_line(struct vpr_http_parser *p)
{
    uint64_t size = 0;
    size_t digits = p->line_len - 2;

    if (p->line[p->line_len - 2] != '\r' || digits == 0 || digits > 15) {
        bad(p, 400, "not a chunk size");
        return;
    }
    for (size_t i = 0; i < digits; i++) {
        uint8_t c = lower((uint8_t)p->line[i]);
        if (c >= '0' && c <= '9') {
            size = size * 16 + (uint64_t)(c - '0');
        } else if (c >= 'a' && c <= 'f') {
            size = size * 16 + (uint64_t)(c - 'a' + 10);
        } else {
            bad(p, 400, "not a chunk size (extensions are not taken)");
            return;
        }
    }
    p->line_len = 0;
    if (size > p->body_max - p->body.len) {
        bad(p, 413, "body is larger than allowed");
        return;
    }
    p->left = size;
    p->state = size == 0 ? VPR_HTTP_TRAILERS : VPR_HTTP_CHUNK_DATA;
}

static size_t feed_chunk_line(struct vpr_http_parser *p, const uint8_t *data, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if (p->line_len == sizeof p->line) {
            bad(p, 400, "chunk size line is too long");
            return i;
        }
        p->line[p->line_len++] = (char)data[i];
        if (data[i] == '\n') {
            if (p->line_len < 2) {
                bad(p, 400, "not a chunk size");
            } else {
                take_chunk_line(p);
            }
            return i + 1;
        }
    }
    return len;
}

static size_t feed_chunk_end(struct vpr_http_parser *p, const uint8_t *data)
{
    if (data[0] != (uint8_t)"\r\n"[p->line_len]) {
        bad(p, 400, "chunk does not end with CRLF");
        return 0;
    }
    if (++p->line_len == 2) {
        p->line_len = 0;
        p->state = VPR_HTTP_CHUNK_LINE;
    }
    return 1;
}

/* Trailers are checked like header lines and dropped: nothing here is decided by them.
 * Nothing is stored, since views into the head must not move; line_len says where in a line
 * we are. */
enum trailer_at { LINE_START, IN_NAME, IN_VALUE, AFTER_CR, AFTER_LAST_CR };

static bool trailer_byte(struct vpr_http_parser *p, uint8_t c)
{
    switch ((enum trailer_at)p->line_len) {
    case LINE_START:
        p->line_len = c == '\r' ? AFTER_LAST_CR : IN_NAME;
        return c == '\r' || is_tchar(c);
    case IN_NAME:
        if (c == ':') {
            p->line_len = IN_VALUE;
            return true;
        }
        return is_tchar(c);
    case IN_VALUE:
        if (c == '\r') {
            p->line_len = AFTER_CR;
            return true;
        }
        return vpr_http_value_ok(vpr_bytes_of(&c, 1));
    case AFTER_CR:
        p->line_len = LINE_START;
        return c == '\n';
    case AFTER_LAST_CR:
        p->state = VPR_HTTP_DONE;
        return c == '\n';
    }
    return false;
}

static size_t feed_trailers(struct vpr_http_parser *p, const uint8_t *data, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if (++p->trailer_bytes > VPR_HTTP_TRAILER_BYTES_MAX) {
            bad(p, 431, "trailers are larger than 4 KiB");
            return i;
        }
        if (!trailer_byte(p, data[i])) {
            bad(p, 400, "trailer is no header line");
            return i;
        }
        if (p->state == VPR_HTTP_DONE) {
            return i + 1;
        }
    }
    return len;
}

/* Memory follows the bytes that came, not the length that was promised. */
static size_t feed_body(struct vpr_http_parser *p, const uint8_t *data, size_t len)
{
    size_t take = len < p->left ? len : (size_t)p->left;
    vpr_buf_add(&p->body, data, take);
    p->left -= take;
    if (p->left == 0) {
        p->state = p->chunked ? VPR_HTTP_CHUNK_END : VPR_HTTP_DONE;
    }
    return take;
}

static size_t feed_body_eof(struct vpr_http_parser *p, const uint8_t *data, size_t len)
{
    vpr_buf_add(&p->body, data, len);
    if (p->body.over) {
        bad(p, 413, "body is larger than allowed");
    }
    return len;
}

size_t vpr_http_parse(struct vpr_http_parser *p, const void *data, size_t len)
{
    const uint8_t *bytes = data;
    size_t used = 0;

    while (used < len) {
        const uint8_t *at = bytes + used;
        size_t left = len - used;
        switch (p->state) {
        case VPR_HTTP_HEAD:
            used += feed_head(p, at, left);
            break;
        case VPR_HTTP_BODY:
        case VPR_HTTP_CHUNK_DATA:
            used += feed_body(p, at, left);
            break;
        case VPR_HTTP_BODY_EOF:
            used += feed_body_eof(p, at, left);
            break;
        case VPR_HTTP_CHUNK_LINE:
            used += feed_chunk_line(p, at, left);
            break;
        case VPR_HTTP_CHUNK_END:
            used += feed_chunk_end(p, at);
            break;
        case VPR_HTTP_TRAILERS:
            used += feed_trailers(p, at, left);
            break;
        case VPR_HTTP_DONE:
        case VPR_HTTP_BAD:
            return used;
        }
    }
    return used;
}

bool vpr_http_parse_eof(struct vpr_http_parser *p)
{
    if (p->state == VPR_HTTP_BODY_EOF) {
        p->state = VPR_HTTP_DONE;
    }
    return p->state == VPR_HTTP_DONE;
}

const char *vpr_http_reason(uint32_t status)
{
    static const struct {
        uint32_t status;
        const char *reason;
    } table[] = {
        {200, "OK"}, {201, "Created"}, {202, "Accepted"}, {204, "No Content"},
        {301, "Moved Permanently"}, {302, "Found"}, {304, "Not Modified"},
        {307, "Temporary Redirect"}, {400, "Bad Request"}, {401, "Unauthorized"},
        {402, "Payment Required"}, {403, "Forbidden"}, {404, "Not Found"},
        {405, "Method Not Allowed"}, {408, "Request Timeout"}, {409, "Conflict"},
        {410, "Gone"}, {411, "Length Required"}, {413, "Content Too Large"},
        {414, "URI Too Long"}, {415, "Unsupported Media Type"},
        {417, "Expectation Failed"}, {421, "Misdirected Request"},
        {425, "Too Early"}, {428, "Precondition Required"}, {429, "Too Many Requests"},
        {431, "Request Header Fields Too Large"}, {499, "Client Closed Request"},
        {500, "Internal Server Error"}, {501, "Not Implemented"}, {502, "Bad Gateway"},
        {503, "Service Unavailable"}, {504, "Gateway Timeout"},
        {505, "HTTP Version Not Supported"},
    };
    for (size_t i = 0; i < VPR_COUNT(table); i++) {
        if (table[i].status == status) {
            return table[i].reason;
        }
    }
    return "Other";
}
