/*
 * The strict check: a loop over a stack of open objects and arrays.
 *
 * Duplicate keys: the keys of all open objects stand on one stack, each with a hash of its
 * unescaped bytes; an object's keys are compared when it closes, small objects pair by pair,
 * larger ones sorted. The order for sorting includes the bytes, so colliding hashes (which a
 * hostile sender can make) cost no more than longer comparisons.
 */
#include "base/json.h"

#include "base/vec.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define SMALL_OBJECT 12 /* keys; up to here pairs are cheaper than sorting */

struct key {
    uint64_t hash;
    const char *ptr; /* between the quotes */
    uint32_t len;
    bool escaped;
};

enum wanted {
    WANT_VALUE,
    WANT_VALUE_OR_CLOSE, /* just after [ */
    WANT_KEY,
    WANT_KEY_OR_CLOSE, /* just after { */
    WANT_COMMA_OR_CLOSE,
    WANT_END,
};

struct level {
    bool object;
    size_t keys; /* of the key stack, before its own */
};

struct checker {
    const unsigned char *start, *at, *end;
    struct level levels[JSON_MAX_DEPTH];
    size_t depth;
    enum wanted want;
    VEC(struct key) keys;
};

const char *
json_flaw_name(enum json_flaw flaw)
{
    static const char *const names[] = {
        [JSON_FINE] = "json-fine",
        [JSON_EMPTY] = "json-empty",
        [JSON_SIZE] = "json-size",
        [JSON_DEPTH] = "json-depth",
        [JSON_UTF8] = "json-utf8",
        [JSON_SYNTAX] = "json-syntax",
        [JSON_NUMBER] = "json-number",
        [JSON_NUL] = "json-nul",
        [JSON_DUPLICATE] = "json-duplicate",
        [JSON_TRAILING] = "json-trailing",
    };
    _Static_assert(ARRAY_LEN(names) == JSON_TRAILING + 1, "a name for each flaw");

    CHECK((size_t)flaw < ARRAY_LEN(names));
    return names[flaw];
}

static bool
is_tail(unsigned char c)
{
    return (c & 0xC0) == 0x80;
}

/* Table 3-7 of the Unicode standard: which byte sequences are well-formed. */
static size_t
char_bytes(const unsigned char *at, size_t left)
{
    const unsigned char c = at[0];

    if (c < 0x80)
        return c == 0 ? 0 : 1;
    if (c < 0xC2 || c > 0xF4 || left < 2 || !is_tail(at[1]))
        return 0;
    if (c < 0xE0)
        return 2;
    if ((c == 0xE0 && at[1] < 0xA0) || (c == 0xED && at[1] > 0x9F) || (c == 0xF0 && at[1] < 0x90) ||
        (c == 0xF4 && at[1] > 0x8F))
        return 0;
    if (left < 3 || !is_tail(at[2]))
        return 0;
    if (c < 0xF0)
        return 3;
    return left >= 4 && is_tail(at[3]) ? 4 : 0;
}

size_t
utf8_char(struct view text)
{
    return text.len == 0 ? 0 : char_bytes((const unsigned char *)text.ptr, text.len);
}

bool
utf8_valid(struct view text)
{
    const unsigned char *at = (const unsigned char *)text.ptr;

    for (size_t i = 0; i < text.len;) {
        const size_t n = char_bytes(at + i, text.len - i);

        if (n == 0)
            return false;
        i += n;
    }
    return true;
}

/* Four hex digits, or -1. */
static int
hex4(const unsigned char *at, const unsigned char *end)
{
    int value = 0;

    if (end - at < 4)
        return -1;
    for (int i = 0; i < 4; i++) {
        const unsigned char c = at[i];

        if (c >= '0' && c <= '9')
            value = value * 16 + (c - '0');
        else if (c >= 'a' && c <= 'f')
            value = value * 16 + (c - 'a' + 10);
        else if (c >= 'A' && c <= 'F')
            value = value * 16 + (c - 'A' + 10);
        else
            return -1;
    }
    return value;
}

/* The character of the escape at *at (its backslash), which is moved behind it; 0 with *flaw. */
static uint32_t
read_escape(const unsigned char **at, const unsigned char *end, enum json_flaw *flaw)
{
    static const char from[] = "\"\\/bfnrt";
    static const char to[] = "\"\\/\b\f\n\r\t";
    const unsigned char *p = *at + 1;

    *flaw = JSON_SYNTAX;
    if (p >= end)
        return 0;
    if (*p != 'u') {
        const char *found = *p == 0 ? NULL : strchr(from, *p);

        if (found == NULL)
            return 0;
        *at = p + 1;
        *flaw = JSON_FINE;
        return (uint32_t)to[found - from];
    }
    const int high = hex4(p + 1, end);

    if (high < 0)
        return 0;
    *flaw = high == 0 ? JSON_NUL : JSON_UTF8;
    p += 5;
    uint32_t rune = (uint32_t)high;

    if (high >= 0xD800 && high <= 0xDFFF) {
        if (high > 0xDBFF || end - p < 6 || p[0] != '\\' || p[1] != 'u')
            return 0;
        const int low = hex4(p + 2, end);

        if (low < 0xDC00 || low > 0xDFFF)
            return 0;
        rune = 0x10000 + (((uint32_t)high - 0xD800) << 10) + ((uint32_t)low - 0xDC00);
        p += 6;
    }
    if (rune == 0)
        return 0;
    *at = p;
    *flaw = JSON_FINE;
    return rune;
}

static size_t
encode_rune(uint32_t rune, unsigned char out[4])
{
    if (rune < 0x80) {
        out[0] = (unsigned char)rune;
        return 1;
    }
    if (rune < 0x800) {
        out[0] = (unsigned char)(0xC0 | rune >> 6);
        out[1] = (unsigned char)(0x80 | (rune & 0x3F));
        return 2;
    }
    if (rune < 0x10000) {
        out[0] = (unsigned char)(0xE0 | rune >> 12);
        out[1] = (unsigned char)(0x80 | (rune >> 6 & 0x3F));
        out[2] = (unsigned char)(0x80 | (rune & 0x3F));
        return 3;
    }
    out[0] = (unsigned char)(0xF0 | rune >> 18);
    out[1] = (unsigned char)(0x80 | (rune >> 12 & 0x3F));
    out[2] = (unsigned char)(0x80 | (rune >> 6 & 0x3F));
    out[3] = (unsigned char)(0x80 | (rune & 0x3F));
    return 4;
}

#define HASH_START UINT64_C(0xcbf29ce484222325)

static uint64_t
hash_byte(uint64_t hash, unsigned char c)
{
    return (hash ^ c) * UINT64_C(0x100000001b3);
}

/* From behind the opening quote to behind the closing one. */
static enum json_flaw
check_string(struct checker *c, struct key *key)
{
    const unsigned char *p = c->at;
    uint64_t hash = HASH_START;

    *key = (struct key){.ptr = (const char *)p};
    while (p < c->end && *p != '"') {
        enum json_flaw flaw = JSON_FINE;
        unsigned char bytes[4];
        size_t n = 1;

        c->at = p;
        if (*p == '\\') {
            n = encode_rune(read_escape(&p, c->end, &flaw), bytes);
            if (flaw != JSON_FINE)
                return flaw;
            key->escaped = true;
        } else if (*p >= 0x20 && *p < 0x80) {
            bytes[0] = *p++;
        } else {
            n = char_bytes(p, (size_t)(c->end - p));
            if (n <= 1)
                return *p < 0x20 ? JSON_SYNTAX : JSON_UTF8;
            memcpy(bytes, p, n);
            p += n;
        }
        for (size_t i = 0; i < n; i++)
            hash = hash_byte(hash, bytes[i]);
    }
    c->at = p;
    if (p >= c->end)
        return JSON_SYNTAX;
    key->hash = hash;
    key->len = (uint32_t)((const char *)p - key->ptr);
    c->at = p + 1;
    return JSON_FINE;
}

static const unsigned char *
skip_digits(const unsigned char *p, const unsigned char *end)
{
    while (p < end && *p >= '0' && *p <= '9')
        p++;
    return p;
}

static enum json_flaw
check_number(struct checker *c)
{
    const unsigned char *p = c->at;
    const unsigned char *digits = p + (*p == '-');
    char text[JSON_NUMBER_BYTES + 1];

    p = skip_digits(digits, c->end);
    if (p == digits || (*digits == '0' && p - digits > 1))
        return JSON_NUMBER;
    if (p < c->end && *p == '.') {
        digits = p + 1;
        p = skip_digits(digits, c->end);
        if (p == digits)
            return JSON_NUMBER;
    }
    const bool power = p < c->end && (*p == 'e' || *p == 'E');

    if (power) {
        p++;
        if (p < c->end && (*p == '+' || *p == '-'))
            p++;
        digits = p;
        p = skip_digits(digits, c->end);
        if (p == digits)
            return JSON_NUMBER;
    }
    const size_t len = (size_t)(p - c->at);

    if (len > JSON_NUMBER_BYTES)
        return JSON_NUMBER;
    if (power) {
        memcpy(text, c->at, len);
        text[len] = '\0';
        if (!isfinite(strtod(text, NULL)))
            return JSON_NUMBER;
    }
    c->at = p;
    return JSON_FINE;
}

static enum json_flaw
check_word(struct checker *c, const char *word)
{
    const size_t len = strlen(word);

    if ((size_t)(c->end - c->at) < len || memcmp(c->at, word, len) != 0)
        return JSON_SYNTAX;
    c->at += len;
    return JSON_FINE;
}

/* Reads one character of a key's unescaped bytes; 0 at its end. */
static size_t
next_piece(const unsigned char **at, const unsigned char *end, unsigned char out[4])
{
    enum json_flaw flaw = JSON_FINE;

    if (*at >= end)
        return 0;
    if (**at == '\\')
        return encode_rune(read_escape(at, end, &flaw), out);
    out[0] = *(*at)++;
    return 1;
}

static int
compare_escaped(const struct key *a, const struct key *b)
{
    const unsigned char *pa = (const unsigned char *)a->ptr;
    const unsigned char *pb = (const unsigned char *)b->ptr;
    unsigned char bytes_a[4];
    unsigned char bytes_b[4];
    size_t at_a = 0, len_a = 0, at_b = 0, len_b = 0;

    for (;;) {
        if (at_a == len_a) {
            len_a = next_piece(&pa, (const unsigned char *)a->ptr + a->len, bytes_a);
            at_a = 0;
        }
        if (at_b == len_b) {
            len_b = next_piece(&pb, (const unsigned char *)b->ptr + b->len, bytes_b);
            at_b = 0;
        }
        if (len_a == 0 || len_b == 0)
            return (len_a > 0) - (len_b > 0);
        if (bytes_a[at_a] != bytes_b[at_b])
            return bytes_a[at_a] < bytes_b[at_b] ? -1 : 1;
        at_a++;
        at_b++;
    }
}

static int
compare_keys(const void *left, const void *right)
{
    const struct key *a = left;
    const struct key *b = right;

    if (a->hash != b->hash)
        return a->hash < b->hash ? -1 : 1;
    if (a->escaped || b->escaped)
        return compare_escaped(a, b);
    return view_cmp(view_bytes(a->ptr, a->len), view_bytes(b->ptr, b->len));
}

/* The later one of a pair of equal keys, or NULL. */
static const struct key *
find_duplicate(struct key *keys, size_t n)
{
    if (n <= SMALL_OBJECT) {
        for (size_t i = 1; i < n; i++) {
            for (size_t j = 0; j < i; j++) {
                if (keys[i].hash == keys[j].hash && compare_keys(&keys[i], &keys[j]) == 0)
                    return &keys[i];
            }
        }
        return NULL;
    }
    qsort(keys, n, sizeof(*keys), compare_keys);
    for (size_t i = 1; i < n; i++) {
        if (compare_keys(&keys[i - 1], &keys[i]) == 0)
            return keys[i - 1].ptr > keys[i].ptr ? &keys[i - 1] : &keys[i];
    }
    return NULL;
}

static void
value_done(struct checker *c)
{
    c->want = c->depth == 0 ? WANT_END : WANT_COMMA_OR_CLOSE;
}

static enum json_flaw
open_level(struct checker *c, bool object)
{
    if (c->depth == JSON_MAX_DEPTH)
        return JSON_DEPTH;
    c->levels[c->depth++] = (struct level){object, c->keys.len};
    c->want = object ? WANT_KEY_OR_CLOSE : WANT_VALUE_OR_CLOSE;
    c->at++;
    return JSON_FINE;
}

static enum json_flaw
close_level(struct checker *c, bool object)
{
    const struct level *level = &c->levels[c->depth - 1];

    if (level->object != object)
        return JSON_SYNTAX;
    if (c->keys.len > level->keys) {
        const struct key *twice =
            find_duplicate(c->keys.at + level->keys, c->keys.len - level->keys);

        if (twice != NULL) {
            c->at = (const unsigned char *)twice->ptr - 1;
            return JSON_DUPLICATE;
        }
    }
    c->keys.len = level->keys;
    c->depth--;
    c->at++;
    value_done(c);
    return JSON_FINE;
}

static void
skip_space(struct checker *c)
{
    while (c->at < c->end && (*c->at == ' ' || *c->at == '\n' || *c->at == '\r' || *c->at == '\t'))
        c->at++;
}

static enum json_flaw
check_key(struct checker *c)
{
    struct key key;

    if (*c->at != '"')
        return JSON_SYNTAX;
    c->at++;
    const enum json_flaw flaw = check_string(c, &key);

    if (flaw != JSON_FINE)
        return flaw;
    *VEC_PUSH(&c->keys) = key;
    skip_space(c);
    if (c->at >= c->end || *c->at != ':')
        return JSON_SYNTAX;
    c->at++;
    c->want = WANT_VALUE;
    return JSON_FINE;
}

static enum json_flaw
check_value(struct checker *c)
{
    enum json_flaw flaw = JSON_SYNTAX;
    struct key unused;

    switch (*c->at) {
    case '{':
        return open_level(c, true);
    case '[':
        return open_level(c, false);
    case '"':
        c->at++;
        flaw = check_string(c, &unused);
        break;
    case 't':
        flaw = check_word(c, "true");
        break;
    case 'f':
        flaw = check_word(c, "false");
        break;
    case 'n':
        flaw = check_word(c, "null");
        break;
    default:
        if (*c->at == '-' || (*c->at >= '0' && *c->at <= '9'))
            flaw = check_number(c);
        break;
    }
    if (flaw == JSON_FINE)
        value_done(c);
    return flaw;
}

/* At a byte that is not white space. */
static enum json_flaw
check_step(struct checker *c)
{
    switch (c->want) {
    case WANT_VALUE_OR_CLOSE:
        if (*c->at == ']')
            return close_level(c, false);
        return check_value(c);
    case WANT_VALUE:
        return check_value(c);
    case WANT_KEY_OR_CLOSE:
        if (*c->at == '}')
            return close_level(c, true);
        return check_key(c);
    case WANT_KEY:
        return check_key(c);
    case WANT_COMMA_OR_CLOSE:
        if (*c->at == '}' || *c->at == ']')
            return close_level(c, *c->at == '}');
        if (*c->at != ',')
            return JSON_SYNTAX;
        c->at++;
        c->want = c->levels[c->depth - 1].object ? WANT_KEY : WANT_VALUE;
        return JSON_FINE;
    case WANT_END:
    default:
        return JSON_TRAILING;
    }
}

enum json_flaw
json_check(struct view text, size_t max_bytes, size_t *at)
{
    struct checker c = {.want = WANT_VALUE};
    enum json_flaw flaw = JSON_FINE;

    *at = 0;
    if (text.len > max_bytes) {
        *at = max_bytes;
        return JSON_SIZE;
    }
    CHECK(max_bytes <= UINT32_MAX);
    /* an empty view may point nowhere */
    c.start = (const unsigned char *)(text.len > 0 ? text.ptr : "");
    c.at = c.start;
    c.end = c.start + text.len;
    for (skip_space(&c); c.at < c.end && flaw == JSON_FINE; skip_space(&c)) {
        flaw = check_step(&c);
        if (flaw != JSON_FINE)
            break;
    }
    if (flaw == JSON_FINE && c.want != WANT_END)
        flaw = c.want == WANT_VALUE && c.depth == 0 ? JSON_EMPTY : JSON_SYNTAX;
    VEC_FREE(&c.keys);
    if (flaw != JSON_FINE)
        *at = (size_t)(c.at - c.start);
    return flaw;
}
