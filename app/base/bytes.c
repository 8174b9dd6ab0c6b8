#include "app/base/bytes.h"

void vpr_put_be16(uint8_t out[2], uint16_t v)
{
    out[0] = (uint8_t)(v >> 8);
    out[1] = (uint8_t)(v & 0xff);
}

void vpr_put_be32(uint8_t out[4], uint32_t v)
{
    vpr_put_be16(out, (uint16_t)(v >> 16));
    vpr_put_be16(out + 2, (uint16_t)(v & 0xffff));
}

void vpr_put_be64(uint8_t out[8], uint64_t v)
{
    vpr_put_be32(out, (uint32_t)(v >> 32));
    vpr_put_be32(out + 4, (uint32_t)(v & 0xffffffff));
}

uint16_t vpr_get_be16(const uint8_t in[2])
{
    return (uint16_t)((unsigned)in[0] << 8 | in[1]);
}

uint32_t vpr_get_be32(const uint8_t in[4])
{
    return (uint32_t)vpr_get_be16(in) << 16 | vpr_get_be16(in + 2);
}

uint64_t vpr_get_be64(const uint8_t in[8])
{
    return (uint64_t)vpr_get_be32(in) << 32 | vpr_get_be32(in + 4);
}

int vpr_bytes_cmp(struct vpr_bytes a, struct vpr_bytes b)
{
    size_t common = a.len < b.len ? a.len : b.len;
    int order = common == 0 ? 0 : memcmp(a.data, b.data, common);
    if (order != 0) {
        return order;
    }
    return (a.len > b.len) - (a.len < b.len);
}

bool vpr_bytes_equal(struct vpr_bytes a, struct vpr_bytes b)
{
    return a.len == b.len && vpr_bytes_cmp(a, b) == 0;
}

bool vpr_bytes_starts(struct vpr_bytes whole, struct vpr_bytes prefix)
{
    return whole.len >= prefix.len &&
           vpr_bytes_equal((struct vpr_bytes){whole.data, prefix.len}, prefix);
}

void vpr_hex(char *text, const void *data, size_t n)
{
    static const char digits[] = "0123456789abcdef";
    const uint8_t *in = data;
    for (size_t i = 0; i < n; i++) {
        text[2 * i] = digits[in[i] >> 4];
        text[2 * i + 1] = digits[in[i] & 15];
    }
    text[2 * n] = '\0';
}

static int hex_digit(uint8_t c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    if (c >= 'a' && c <= 'f') {
        return c - 'a' + 10;
    }
    if (c >= 'A' && c <= 'F') {
        return c - 'A' + 10;
    }
    return -1;
}

bool vpr_unhex(void *out, size_t n, struct vpr_bytes text)
{
    uint8_t *to = out;
    if (text.len / 2 != n || text.len % 2 != 0) {
        return false;
    }
    /* Checked before the first byte is written: a failure leaves `out` untouched. */
    for (size_t i = 0; i < text.len; i++) {
        if (hex_digit(text.data[i]) < 0) {
            return false;
        }
    }
    for (size_t i = 0; i < n; i++) {
        to[i] = (uint8_t)(hex_digit(text.data[2 * i]) << 4 | hex_digit(text.data[2 * i + 1]));
    }
    return true;
}

static const char standard_alphabet[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
static const char url_alphabet[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

static size_t encode64(char *text, struct vpr_bytes in, const char *alphabet, bool pad)
{
    size_t len = 0;
    for (size_t i = 0; i < in.len; i += 3) {
        size_t have = in.len - i < 3 ? in.len - i : 3;
        uint32_t group = (uint32_t)in.data[i] << 16;
        if (have > 1) {
            group |= (uint32_t)in.data[i + 1] << 8;
        }
        if (have > 2) {
            group |= in.data[i + 2];
        }
        for (size_t j = 0; j < 4; j++) {
            if (j <= have) {
                text[len++] = alphabet[group >> (18 - 6 * j) & 63];
            } else if (pad) {
                text[len++] = '=';
            }
        }
    }
    text[len] = '\0';
    return len;
}

size_t vpr_base64(char *text, struct vpr_bytes in)
{
    return encode64(text, in, standard_alphabet, true);
}

size_t vpr_base64url(char *text, struct vpr_bytes in)
{
    return encode64(text, in, url_alphabet, false);
}

/* What a digit of either alphabet stands for, plus 1; 0 is none. */
static const uint8_t digits64[256] = {
    ['A'] = 1, ['B'] = 2, ['C'] = 3, ['D'] = 4, ['E'] = 5, ['F'] = 6, ['G'] = 7, ['H'] = 8,
    ['I'] = 9, ['J'] = 10, ['K'] = 11, ['L'] = 12, ['M'] = 13, ['N'] = 14, ['O'] = 15,
    ['P'] = 16, ['Q'] = 17, ['R'] = 18, ['S'] = 19, ['T'] = 20, ['U'] = 21, ['V'] = 22,
    ['W'] = 23, ['X'] = 24, ['Y'] = 25, ['Z'] = 26, ['a'] = 27, ['b'] = 28, ['c'] = 29,
    ['d'] = 30, ['e'] = 31, ['f'] = 32, ['g'] = 33, ['h'] = 34, ['i'] = 35, ['j'] = 36,
    ['k'] = 37, ['l'] = 38, ['m'] = 39, ['n'] = 40, ['o'] = 41, ['p'] = 42, ['q'] = 43,
    ['r'] = 44, ['s'] = 45, ['t'] = 46, ['u'] = 47, ['v'] = 48, ['w'] = 49, ['x'] = 50,
    ['y'] = 51, ['z'] = 52, ['0'] = 53, ['1'] = 54, ['2'] = 55, ['3'] = 56, ['4'] = 57,
    ['5'] = 58, ['6'] = 59, ['7'] = 60, ['8'] = 61, ['9'] = 62, ['+'] = 63, ['-'] = 63,
    ['/'] = 64, ['_'] = 64,
};

static int digit64(uint8_t c)
{
    return digits64[c] - 1;
}

/* The digits without padding, or false: length, padding, alphabet (never both at once) and
 * the unused low bits of the last digit, which must be zero. */
static bool plain64(struct vpr_bytes *text)
{
    size_t len = text->len;
    size_t pads = 0;
    while (pads < 2 && len > 0 && text->data[len - 1] == '=') {
        len--;
        pads++;
    }
    if ((pads > 0 && text->len % 4 != 0) || len % 4 == 1) {
        return false;
    }
    bool standard = false;
    bool url = false;
    bool none = false;
    for (size_t i = 0; i < len; i++) {
        const uint8_t c = text->data[i];
        none |= digits64[c] == 0;
        standard |= (c == '+') | (c == '/');
        url |= (c == '-') | (c == '_');
    }
    if (none) {
        return false;
    }
    if (standard && url) {
        return false;
    }
    if ((len % 4 == 2 && (digit64(text->data[len - 1]) & 15) != 0) ||
        (len % 4 == 3 && (digit64(text->data[len - 1]) & 3) != 0)) {
        return false;
    }
    text->len = len;
    return true;
}

bool vpr_unbase64(uint8_t *out, size_t *ret_len, struct vpr_bytes text)
{
    if (!plain64(&text)) {
        return false;
    }
    const uint8_t *in = text.data;
    size_t left = text.len;
    size_t len = 0;
    for (; left >= 4; left -= 4, in += 4, len += 3) {
        const uint32_t group = (uint32_t)digit64(in[0]) << 18 | (uint32_t)digit64(in[1]) << 12 |
                               (uint32_t)digit64(in[2]) << 6 | (uint32_t)digit64(in[3]);
        out[len] = (uint8_t)(group >> 16 & 0xff);
        out[len + 1] = (uint8_t)(group >> 8 & 0xff);
        out[len + 2] = (uint8_t)(group & 0xff);
    }
    if (left >= 2) {
        out[len] = (uint8_t)((digit64(in[0]) << 2 | digit64(in[1]) >> 4) & 0xff);
        len++;
    }
    if (left == 3) {
        out[len] = (uint8_t)((digit64(in[1]) << 4 | digit64(in[2]) >> 2) & 0xff);
        len++;
    }
    *ret_len = len;
    return true;
}

struct vpr_writer vpr_writer(void *data, size_t size)
{
    return (struct vpr_writer){data, size, 0};
}

void vpr_write(struct vpr_writer *w, const void *data, size_t len)
{
    VPR_ASSERT(w->len <= w->size && len <= w->size - w->len);
    if (len > 0) {
        memcpy(w->data + w->len, data, len);
    }
    w->len += len;
}

void vpr_write_u8(struct vpr_writer *w, uint8_t v)
{
    vpr_write(w, &v, 1);
}

void vpr_write_be16(struct vpr_writer *w, uint16_t v)
{
    uint8_t b[2];
    vpr_put_be16(b, v);
    vpr_write(w, b, sizeof b);
}

void vpr_write_be32(struct vpr_writer *w, uint32_t v)
{
    uint8_t b[4];
    vpr_put_be32(b, v);
    vpr_write(w, b, sizeof b);
}

void vpr_write_be64(struct vpr_writer *w, uint64_t v)
{
    uint8_t b[8];
    vpr_put_be64(b, v);
    vpr_write(w, b, sizeof b);
}

struct vpr_reader vpr_reader(struct vpr_bytes in)
{
    return (struct vpr_reader){in.data, in.len, false};
}

struct vpr_bytes vpr_read_view(struct vpr_reader *r, size_t len)
{
    if (r->bad || len > r->left) {
        r->bad = true;
        return (struct vpr_bytes){NULL, 0};
    }
    struct vpr_bytes view = {r->data, len};
    if (len > 0) {
        r->data += len;
    }
    r->left -= len;
    return view;
}

void vpr_read(struct vpr_reader *r, void *out, size_t len)
{
    struct vpr_bytes view = vpr_read_view(r, len);
    if (r->bad) {
        memset(out, 0, len);
    } else if (len > 0) {
        memcpy(out, view.data, len);
    }
}

uint8_t vpr_read_u8(struct vpr_reader *r)
{
    uint8_t b[1];
    vpr_read(r, b, sizeof b);
    return b[0];
}

uint16_t vpr_read_be16(struct vpr_reader *r)
{
    uint8_t b[2];
    vpr_read(r, b, sizeof b);
    return vpr_get_be16(b);
}

uint32_t vpr_read_be32(struct vpr_reader *r)
{
    uint8_t b[4];
    vpr_read(r, b, sizeof b);
    return vpr_get_be32(b);
}

uint64_t vpr_read_be64(struct vpr_reader *r)
{
    uint8_t b[8];
    vpr_read(r, b, sizeof b);
    return vpr_get_be64(b);
}

bool vpr_read_done(const struct vpr_reader *r)
{
    return !r->bad && r->left == 0;
}
