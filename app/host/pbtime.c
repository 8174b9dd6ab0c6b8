/* Times and durations as proto3 JSON writes them (pbjson.h). */
#include <stdio.h>

#include "app/base/bytes.h"
#include "app/host/pbjson.h"

#define DAY_S INT64_C(86400)
#define TIME_MIN INT64_C(-62135596800) /* 0001-01-01T00:00:00Z */
#define TIME_MAX INT64_C(253402300799) /* 9999-12-31T23:59:59Z */
#define DURATION_MAX INT64_C(315576000000)
#define NANOS INT64_C(1000000000)

/* Days since 1970-01-01 of a Gregorian date; years count from March, so that the leap day
 * is the last of its year. */
static int64_t days_of(int64_t year, int64_t month, int64_t day)
{
    year -= month <= 2 ? 1 : 0;
    int64_t era = (year >= 0 ? year : year - 399) / 400;
    int64_t in_era = year - era * 400;
    int64_t in_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
    return era * 146097 + in_era * 365 + in_era / 4 - in_era / 100 + in_year - 719468;
}

static void date_of(int64_t days, int *year, int *month, int *day)
{
    days += 719468;
    int64_t era = (days >= 0 ? days : days - 146096) / 146097;
    int64_t in_era = days - era * 146097;
    int64_t y = (in_era - in_era / 1460 + in_era / 36524 - in_era / 146096) / 365;
    int64_t in_year = in_era - (365 * y + y / 4 - y / 100);
    int64_t m = (5 * in_year + 2) / 153;
    *day = (int)(in_year - (153 * m + 2) / 5 + 1);
    *month = (int)(m < 10 ? m + 3 : m - 9);
    *year = (int)(y + era * 400 + (*month <= 2 ? 1 : 0));
}

/* "", ".123", ".123456" or ".123456789". */
static void fraction(char out[12], int32_t nanos)
{
    if (nanos == 0) {
        out[0] = '\0';
    } else if (nanos % 1000000 == 0) {
        (void)snprintf(out, 12, ".%03d", (int)(nanos / 1000000 % 1000));
    } else if (nanos % 1000 == 0) {
        (void)snprintf(out, 12, ".%06d", (int)(nanos / 1000 % 1000000));
    } else {
        (void)snprintf(out, 12, ".%09d", (int)nanos);
    }
}

bool vpr_time_text(char text[VPR_TIME_TEXT_MAX], int64_t seconds, int32_t nanos)
{
    char frac[12];
    int year, month, day;

    if (seconds < TIME_MIN || seconds > TIME_MAX || nanos < 0 || nanos >= NANOS) {
        return false;
    }
    int64_t days = (seconds >= 0 ? seconds : seconds - (DAY_S - 1)) / DAY_S;
    int rest = (int)(seconds - days * DAY_S);
    date_of(days, &year, &month, &day);
    fraction(frac, nanos);
    (void)snprintf(text, VPR_TIME_TEXT_MAX, "%04d-%02d-%02dT%02d:%02d:%02d%sZ", year % 10000,
                   month % 100, day % 100, rest / 3600 % 24, rest / 60 % 60, rest % 60, frac);
    return true;
}

bool vpr_duration_text(char text[VPR_TIME_TEXT_MAX], int64_t seconds, int32_t nanos)
{
    char frac[12];
    bool minus = seconds < 0 || nanos < 0;

    if (seconds < -DURATION_MAX || seconds > DURATION_MAX || nanos <= -NANOS ||
        nanos >= NANOS || (seconds > 0 && nanos < 0) || (seconds < 0 && nanos > 0)) {
        return false;
    }
    fraction(frac, nanos < 0 ? -nanos : nanos);
    (void)snprintf(text, VPR_TIME_TEXT_MAX, "%s%" PRId64 "%ss", minus ? "-" : "",
                   seconds < 0 ? -seconds : seconds, frac);
    return true;
}

/* --- reading --------------------------------------------------------------------------- */

struct cursor {
    const uint8_t *at, *end;
};

static bool take(struct cursor *c, char want)
{
    if (c->at < c->end && *c->at == (uint8_t)want) {
        c->at++;
        return true;
    }
    return false;
}

static bool digit_next(const struct cursor *c)
{
    return c->at < c->end && *c->at >= '0' && *c->at <= '9';
}

/* Exactly `count` digits. */
static bool take_digits(struct cursor *c, unsigned count, int64_t *ret)
{
    int64_t v = 0;
    for (unsigned i = 0; i < count; i++) {
        if (!digit_next(c)) {
            return false;
        }
        v = v * 10 + (*c->at++ - '0');
    }
    *ret = v;
    return true;
}

/* Any number of digits, at least one, below 10^15. */
static bool take_number(struct cursor *c, int64_t *ret)
{
    int64_t v = 0;
    if (!digit_next(c)) {
        return false;
    }
    while (digit_next(c)) {
        v = v * 10 + (*c->at++ - '0');
        if (v >= INT64_C(1000000000000000)) {
            return false;
        }
    }
    *ret = v;
    return true;
}

/* Behind a point: 1 to 9 digits, as billionths. */
static bool take_fraction(struct cursor *c, int64_t *ret)
{
    int64_t v = 0;
    unsigned digits = 0;
    while (digit_next(c)) {
        if (++digits > 9) {
            return false;
        }
        v = v * 10 + (*c->at++ - '0');
    }
    for (unsigned i = digits; i < 9; i++) {
        v *= 10;
    }
    *ret = v;
    return digits > 0;
}

static bool take_zone(struct cursor *c, int64_t *ret_offset)
{
    int64_t hours, minutes;
    if (take(c, 'Z')) {
        *ret_offset = 0;
        return true;
    }
    bool plus = take(c, '+');
    if (!plus && !take(c, '-')) {
        return false;
    }
    if (!take_digits(c, 2, &hours) || !take(c, ':') || !take_digits(c, 2, &minutes) ||
        hours > 23 || minutes > 59) {
        return false;
    }
    *ret_offset = (hours * 3600 + minutes * 60) * (plus ? 1 : -1);
    return true;
}

static int64_t month_days(int64_t year, int64_t month)
{
    static const int64_t days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    return days[month - 1] + (month == 2 && leap ? 1 : 0);
}

bool vpr_time_parse(int64_t *ret_seconds, int32_t *ret_nanos, struct vpr_bytes text)
{
    struct cursor c = {text.data, text.data + text.len};
    int64_t year, month, day, hour, minute, second, nanos = 0, zone;

    if (!take_digits(&c, 4, &year) || !take(&c, '-') || !take_digits(&c, 2, &month) ||
        !take(&c, '-') || !take_digits(&c, 2, &day) || !take(&c, 'T') ||
        !take_digits(&c, 2, &hour) || !take(&c, ':') || !take_digits(&c, 2, &minute) ||
        !take(&c, ':') || !take_digits(&c, 2, &second)) {
        return false;
    }
    if (take(&c, '.') && !take_fraction(&c, &nanos)) {
        return false;
    }
    if (!take_zone(&c, &zone) || c.at != c.end) {
        return false;
    }
    if (year < 1 || month < 1 || month > 12 || day < 1 || day > month_days(year, month) ||
        hour > 23 || minute > 59 || second > 59) {
        return false;
    }
    int64_t s = days_of(year, month, day) * DAY_S + hour * 3600 + minute * 60 + second - zone;
    if (s < TIME_MIN || s > TIME_MAX) {
        return false;
    }
    *ret_seconds = s;
    *ret_nanos = (int32_t)nanos;
    return true;
}

/* One "12.5ms" of Go's time.ParseDuration, in nanoseconds. */
static bool take_go_part(struct cursor *c, int64_t *ret)
{
    static const struct {
        const char *name;
        int64_t nanos;
    } units[] = {{"ns", 1}, {"us", 1000}, {"\xc2\xb5s", 1000}, {"\xce\xbcs", 1000},
                 {"ms", 1000000}, {"s", NANOS}, {"m", 60 * NANOS}, {"h", 3600 * NANOS}};
    int64_t whole, frac = 0;

    if (!take_number(c, &whole) || (take(c, '.') && !take_fraction(c, &frac))) {
        return false;
    }
    for (size_t i = 0; i < VPR_COUNT(units); i++) {
        size_t len = strlen(units[i].name);
        if ((size_t)(c->end - c->at) >= len && memcmp(c->at, units[i].name, len) == 0) {
            c->at += len;
            if (whole > INT64_MAX / 4 / units[i].nanos) {
                return false;
            }
            vpr_u128 part = (vpr_u128)(uint64_t)frac * (uint64_t)units[i].nanos / (uint64_t)NANOS;
            *ret = whole * units[i].nanos + (int64_t)part;
            return true;
        }
    }
    return false;
}

static bool parse_go(struct cursor c, bool minus, int64_t *ret_seconds, int32_t *ret_nanos)
{
    int64_t sum = 0, part;

    if (c.end - c.at == 1 && *c.at == '0') {
        c.at++;
    } else if (c.at == c.end) {
        return false;
    }
    while (c.at < c.end) {
        if (!take_go_part(&c, &part) || sum > INT64_MAX / 4) {
            return false;
        }
        sum += part;
    }
    *ret_seconds = (minus ? -1 : 1) * (sum / NANOS);
    *ret_nanos = (int32_t)((minus ? -1 : 1) * (sum % NANOS));
    return true;
}

bool vpr_duration_parse(int64_t *ret_seconds, int32_t *ret_nanos, struct vpr_bytes text, bool go)
{
    struct cursor c = {text.data, text.data + text.len};
    int64_t seconds, nanos = 0;
    bool minus = take(&c, '-');

    if (go) {
        return parse_go(c, minus, ret_seconds, ret_nanos);
    }
    if (!take_number(&c, &seconds) || (take(&c, '.') && !take_fraction(&c, &nanos)) ||
        !take(&c, 's') || c.at != c.end || seconds > DURATION_MAX) {
        return false;
    }
    *ret_seconds = minus ? -seconds : seconds;
    *ret_nanos = (int32_t)(minus ? -nanos : nanos);
    return true;
}
