#include "app/rules/ids.h"

#include "app/base/bytes.h"

#define CHECKSUM_DIGITS 6
#define ADDRESS_DIGITS 32 /* 160 bits, five a digit */
#define DIGITS_MAX (ADDRESS_DIGITS + CHECKSUM_DIGITS)

static const char alphabet[] = "qpzry9x8gf2tvdw0s3jn54khce6mua7l";
/* Place in it, from 1; 0: none. */
static const uint8_t value_of['z' + 1] = {
    ['q'] = 1, ['p'] = 2, ['z'] = 3, ['r'] = 4, ['y'] = 5, ['9'] = 6, ['x'] = 7, ['8'] = 8,
    ['g'] = 9, ['f'] = 10, ['2'] = 11, ['t'] = 12, ['v'] = 13, ['d'] = 14, ['w'] = 15, ['0'] =
    16, ['s'] = 17, ['3'] = 18, ['j'] = 19, ['n'] = 20, ['5'] = 21, ['4'] = 22, ['k'] = 23,
    ['h'] = 24, ['c'] = 25, ['e'] = 26, ['6'] = 27, ['m'] = 28, ['u'] = 29, ['a'] = 30, ['7']
    = 31, ['l'] = 32};

static const char *prefix_text(enum vpr_prefix prefix)
{
    switch (prefix) {
    case VPR_PREFIX_ACCOUNT:
        return "viper";
    case VPR_PREFIX_VALOPER:
        return "vipervaloper";
    case VPR_PREFIX_VALCONS:
        return "vipervalcons";
    }
    VPR_HALT("no such prefix");
}

/* BIP-173: what the five bits that leave the checksum on top turn into below. */
#define MIX(t) \
    (((t) & 1 ? 0x3b6a57b2u : 0) ^ ((t) & 2 ? 0x26508e6du : 0) ^ ((t) & 4 ? 0x1ea119fau : 0) ^ \
     ((t) & 8 ? 0x3d4233ddu : 0) ^ ((t) & 16 ? 0x2a1462b3u : 0))
#define MIX_8(t) \
    MIX(t), MIX((t) + 1), MIX((t) + 2), MIX((t) + 3), MIX((t) + 4), MIX((t) + 5), \
        MIX((t) + 6), MIX((t) + 7)
static const uint32_t mixed[32] = {MIX_8(0), MIX_8(8), MIX_8(16), MIX_8(24)};

static uint32_t polymod(uint32_t sum, uint8_t digit)
{
    return ((sum & 0x1ffffff) << 5 ^ digit) ^ mixed[sum >> 25];
}

/* BIP-173: the prefix in two halves with a zero between, then the digits. */
static uint32_t checksum(const char *prefix, const uint8_t *digits, size_t count)
{
    uint32_t sum = 1;
    for (const char *c = prefix; *c != '\0'; c++) {
        sum = polymod(sum, (uint8_t)((uint8_t)*c >> 5));
    }
    sum = polymod(sum, 0);
    for (const char *c = prefix; *c != '\0'; c++) {
        sum = polymod(sum, (uint8_t)((uint8_t)*c & 31));
    }
    for (size_t i = 0; i < count; i++) {
        sum = polymod(sum, digits[i]);
    }
    return sum;
}

void vpr_address_text(char text[VPR_ADDRESS_TEXT_MAX], enum vpr_prefix prefix,
                      const struct vpr_address *address)
{
    const char *hrp = prefix_text(prefix);
    uint8_t digits[DIGITS_MAX] = {0};
    for (size_t i = 0; i < ADDRESS_DIGITS; i++) {
        size_t bit = i * 5;
        uint32_t pair = (uint32_t)address->b[bit / 8] << 8;
        if (bit / 8 + 1 < sizeof address->b) {
            pair |= address->b[bit / 8 + 1];
        }
        digits[i] = (uint8_t)(pair >> (11 - bit % 8) & 31);
    }
    uint32_t sum = checksum(hrp, digits, DIGITS_MAX) ^ 1;
    for (size_t i = 0; i < CHECKSUM_DIGITS; i++) {
        digits[ADDRESS_DIGITS + i] = (uint8_t)(sum >> (5 * (CHECKSUM_DIGITS - 1 - i)) & 31);
    }
    size_t len = strlen(hrp);
    VPR_ASSERT(len + 1 + DIGITS_MAX < VPR_ADDRESS_TEXT_MAX);
    memcpy(text, hrp, len);
    text[len++] = '1';
    for (size_t i = 0; i < DIGITS_MAX; i++) {
        text[len++] = alphabet[digits[i]];
    }
    text[len] = '\0';
}

bool vpr_address_parse(struct vpr_address *ret, enum vpr_prefix prefix, struct vpr_bytes text)
{
    const char *hrp = prefix_text(prefix);
    size_t hrp_len = strlen(hrp);
    if (text.len != hrp_len + 1 + DIGITS_MAX || memcmp(text.data, hrp, hrp_len) != 0 ||
        text.data[hrp_len] != '1') {
        return false;
    }
    uint8_t digits[DIGITS_MAX];
    for (size_t i = 0; i < DIGITS_MAX; i++) {
        uint8_t c = text.data[hrp_len + 1 + i];
        if (c >= VPR_COUNT(value_of) || value_of[c] == 0) { /* also every upper case letter */
            return false;
        }
        digits[i] = (uint8_t)(value_of[c] - 1);
    }
    if (checksum(hrp, digits, DIGITS_MAX) != 1) {
        return false;
    }
    struct vpr_address address = {{0}};
    uint32_t bits = 0, count = 0;
    for (size_t i = 0, at = 0; i < ADDRESS_DIGITS; i++) {
        bits = bits << 5 | digits[i];
        count += 5;
        if (count >= 8) {
            count -= 8;
            address.b[at++] = (uint8_t)(bits >> count);
        }
    }
    *ret = address;
    return true;
}

struct vpr_address vpr_address_secp256k1(const uint8_t key[VPR_SECP_KEY_BYTES])
{
    struct vpr_address address;
    struct vpr_hash hash = vpr_sha256(key, VPR_SECP_KEY_BYTES);
    vpr_ripemd160(address.b, hash.b, sizeof hash.b);
    return address;
}

struct vpr_address vpr_address_ed25519(const struct vpr_hash *key)
{
    struct vpr_address address;
    struct vpr_hash hash = vpr_sha256(key->b, sizeof key->b);
    memcpy(address.b, hash.b, sizeof address.b);
    return address;
}

void vpr_id16_text(char text[VPR_ID16_TEXT_MAX], uint16_t id)
{
    uint8_t b[2];
    vpr_put_be16(b, id);
    vpr_hex(text, b, sizeof b);
}

bool vpr_id16_parse(uint16_t *ret, struct vpr_bytes text)
{
    uint8_t b[2];
    if (!vpr_unhex(b, sizeof b, text)) {
        return false;
    }
    *ret = vpr_get_be16(b);
    return true;
}

struct vpr_hash vpr_sid(struct vpr_bytes chain_id, uint64_t session,
                        const struct vpr_address *requestor, uint16_t chain, uint16_t zone)
{
    struct vpr_hasher h;
    vpr_hasher_start(&h, "session");
    vpr_hasher_var(&h, chain_id);
    vpr_hasher_u64(&h, session);
    vpr_hasher_fixed(&h, requestor->b, sizeof requestor->b);
    vpr_hasher_u16(&h, chain);
    vpr_hasher_u16(&h, zone);
    return vpr_hasher_end(&h);
}

static struct vpr_hash tagged_pair(const char *tag, const struct vpr_hash *a,
                                   const struct vpr_hash *b)
{
    struct vpr_hasher h;
    vpr_hasher_start(&h, tag);
    vpr_hasher_fixed(&h, a->b, sizeof a->b);
    vpr_hasher_fixed(&h, b->b, sizeof b->b);
    return vpr_hasher_end(&h);
}

struct vpr_hash vpr_draw_key(const struct vpr_hash *sid, const struct vpr_hash *seed)
{
    return tagged_pair("draw", sid, seed);
}

struct vpr_hash vpr_beacon_genesis(struct vpr_bytes chain_id)
{
    struct vpr_hasher h;
    vpr_hasher_start(&h, "beacon-genesis");
    vpr_hasher_var(&h, chain_id);
    return vpr_hasher_end(&h);
}

struct vpr_hash vpr_beacon_link(const struct vpr_hash *x)
{
    return vpr_tagged("beacon-chain", x->b, sizeof x->b);
}

struct vpr_hash vpr_beacon_reveal(const struct vpr_hash *before, const struct vpr_hash *x)
{
    return tagged_pair("beacon", before, x);
}

struct vpr_hash vpr_beacon_skip(const struct vpr_hash *before,
                                const struct vpr_address *proposer)
{
    struct vpr_hasher h;
    vpr_hasher_start(&h, "beacon-skip");
    vpr_hasher_fixed(&h, before->b, sizeof before->b);
    vpr_hasher_fixed(&h, proposer->b, sizeof proposer->b);
    return vpr_hasher_end(&h);
}
