/*
 * kernel_impl.h - the loops of kernel.h, included once for each instruction
 * set after the block operations that they stand on:
 *
 *   block                    64 bytes
 *   block_load(p)            unaligned
 *   block_is(b, c)           one bit a byte: equal to c
 *   block_below(b, c)        unsigned less than c
 *   block_controls(b)        below 0x20, or 0x7F
 *   block_within(b, lo, hi)  lo <= byte <= hi
 *   block_high(b)            not ASCII
 *   block_letters(b, lo, hi) lo <= byte <= hi without case, lo and hi lower
 *   block_utf8_errors(p)     true unless the 64 bytes at p continue UTF-8
 *   prefix_xor(bits)         each bit the parity of itself and those below
 *   extract(to, bits, base)  places of the bits, plus base; returns the end;
 *                            may write 64 places; extract_few: for few bits
 *   strip_block(to, p, keep) the bytes kept, in order; returns the end
 *   lower_at(p, bits)        adds 0x20 to the bytes of the bits
 *   half, half_load, half_is, half_within: the same for 16 bytes
 */
#ifndef PL_CSV_KERNEL_IMPL_H
#define PL_CSV_KERNEL_IMPL_H

#include <string.h>

#include "pipeline/csv/kernel.h"

static inline unsigned first_bit(uint64_t bits)
{
    return (unsigned)__builtin_ctzll(bits);
}

/* The lowest n bits, n <= 64. */
static inline uint64_t low_bits(size_t n)
{
    return n >= 64 ? ~UINT64_C(0) : (UINT64_C(1) << n) - 1;
}

/* What goes over from one block to the next: one bit each, in bit 0. */
struct carry {
    uint64_t inside; /* all bits: the block begins inside quotes */
    uint64_t delimiter;
    uint64_t close;
    uint64_t blank;
    uint64_t edge;
    uint64_t start; /* the opening quote of a cell */
    uint64_t shut;  /* the quote that ends a cell of nothing */
    uint64_t high;  /* a sequence may go on: the last 3 bytes */
};

/* 64 bytes, of which some are wanted: from may stand anywhere in a block. */
static inline void copy_block(unsigned char *to, const unsigned char *from)
{
    memcpy(to, from, 64);
}

static inline void note_suspect(struct pl_csv_index *x, size_t at)
{
    x->suspects[x->suspect_count++] = (uint32_t)at;
}

/* What a block holds; bad: what cannot be there in a well-formed file. */
struct found {
    uint64_t delimiters;
    uint64_t feeds;
    uint64_t text;
    uint64_t edge;
    uint64_t control;
    uint64_t high;
    uint64_t bad;
};

/* The block at p, of which the bytes of valid are looked at. */
static inline struct found look_at(const unsigned char *p, uint64_t valid,
                                   bool is_feed_next, uint64_t empties,
                                   struct carry *c)
{
    const block b = block_load(p);
    const uint64_t quotes = block_is(b, '"') & valid;
    const uint64_t commas = block_is(b, ',');
    const uint64_t feeds = block_is(b, '\n') & valid;
    const uint64_t blanks = block_is(b, ' ') & valid;
    const uint64_t controls = block_controls(b);
    const uint64_t inside = prefix_xor(quotes) ^ c->inside;
    const uint64_t open = quotes & inside;
    const uint64_t close = quotes & ~inside;
    const uint64_t delimiters = (commas | feeds) & ~inside & valid;
    const uint64_t after_close = (close << 1) | c->close;
    const uint64_t after_delimiter = (delimiters << 1) | c->delimiter;
    const uint64_t edges = quotes | delimiters;
    const uint64_t start = open & after_delimiter;
    const uint64_t shut = close & ((start << 1) | c->start);
    struct found f = {
        .delimiters = delimiters,
        .feeds = feeds,
        .text = ((open & after_close) | (commas & inside)) & valid,
        .edge = ((((blanks << 1) | c->blank) & edges) |
                 (blanks & ((edges << 1) | c->edge)) |
                 (delimiters & ((shut << 1) | c->shut) & empties)) &
                valid,
        .control = controls & ~delimiters & valid,
        .high = block_high(b) & valid,
        .bad = (open & ~(after_delimiter | after_close)) |
               (after_close & ~(delimiters | open) & valid)};

    if (f.control != 0) { /* a CR outside quotes is right before an LF */
        const uint64_t returns = block_is(b, '\r') & ~inside & valid;
        const uint64_t next = is_feed_next;

        f.bad = (f.bad | returns) & ~(returns & ((feeds >> 1) | (next << 63)));
    }
    c->inside = 0 - (inside >> 63); /* all bits or none */
    c->delimiter = delimiters >> 63;
    c->close = close >> 63;
    c->blank = blanks >> 63;
    c->edge = edges >> 63;
    c->start = start >> 63;
    c->shut = shut >> 63;
    return f;
}

static size_t KERNEL(scan)(struct pl_csv_index *x)
{
    const unsigned char *data = x->data;
    const size_t end = x->end;
    uint32_t *ends = x->ends + x->end_count;
    uint32_t *rows = x->rows + x->row_count;
    struct pl_csv_mark *marks = x->marks + x->mark_count;
    struct carry c = {.delimiter = 1, .edge = 1};
    size_t bad_at = SIZE_MAX;

    for (size_t at = x->at; at < end && bad_at == SIZE_MAX; at += 64) {
        struct found f =
            look_at(data + at, low_bits(end - at),
                    at + 64 < end && data[at + 64] == '\n', x->empties, &c);

        if (f.bad != 0) {
            const uint64_t before = low_bits(first_bit(f.bad));

            bad_at = at + first_bit(f.bad);
            f.delimiters &= before;
            f.text &= before;
            f.edge &= before;
            f.control &= before;
        }
        if ((f.text | f.edge | f.control) != 0)
            *marks++ =
                (struct pl_csv_mark){(uint32_t)at, f.text, f.edge, f.control};
        if ((f.high | c.high) != 0 && block_utf8_errors(data + at))
            note_suspect(x, at);
        ends = extract(ends, f.delimiters, (uint32_t)at);
        rows = extract_few(rows, f.delimiters & f.feeds, (uint32_t)at);
        c.high = f.high >> 61;
    }
    x->end_count = (size_t)(ends - x->ends);
    x->row_count = (size_t)(rows - x->rows);
    x->mark_count = (size_t)(marks - x->marks);
    x->at = end;
    return bad_at;
}

static size_t KERNEL(strip)(unsigned char *to, const unsigned char *from,
                            size_t len)
{
    const unsigned char *const start = to;
    size_t at = 0;

    for (; at + 64 <= len; at += 64)
        to = strip_block(to, from + at, ~block_is(block_load(from + at), '"'));
    if (at < len)
        to = strip_block(to, from + at,
                         ~block_is(block_load(from + at), '"') &
                             low_bits(len - at));
    return (size_t)(to - start);
}

static size_t KERNEL(count_lines)(const unsigned char *data, size_t len)
{
    uint64_t returned = 0;
    size_t count = 0;

    for (size_t at = 0; at < len; at += 64) {
        const block b = block_load(data + at);
        const uint64_t valid = low_bits(len - at);
        const uint64_t feeds = block_is(b, '\n') & valid;
        const uint64_t returns = block_is(b, '\r') & valid;

        count += (size_t)__builtin_popcountll(feeds);
        if ((returns | returned) != 0) {
            count += (size_t)__builtin_popcountll(returns);
            count -= (size_t)__builtin_popcountll(((returns << 1) | returned) &
                                                  feeds);
        }
        returned = returns >> 63;
    }
    return count;
}

struct span {
    size_t at;
    size_t len;
};

static size_t KERNEL(escape)(unsigned char *to, const unsigned char *from,
                             size_t len)
{
    static const char hex[] = "0123456789abcdef";
    const unsigned char *const start = to;

    for (size_t at = 0; at < len; at += 64) {
        const block b = block_load(from + at);
        uint64_t left = low_bits(len - at);
        uint64_t special = (block_is(b, '"') | block_is(b, '\\') |
                            block_below(b, 0x20) | block_is(b, 0x7F)) &
                           left;
        size_t done = 0;

        for (; special != 0; special &= special - 1) {
            const size_t place = first_bit(special);
            const unsigned char c = from[at + place];

            copy_block(to, from + at + done);
            to += place - done;
            *to++ = '\\';
            if (c == '"' || c == '\\') {
                *to++ = c;
            } else if (c == '\n' || c == '\r' || c == '\t') {
                *to++ = c == '\n' ? 'n' : c == '\r' ? 'r' : 't';
            } else {
                *to++ = 'u';
                *to++ = '0';
                *to++ = '0';
                *to++ = (unsigned char)hex[c >> 4];
                *to++ = (unsigned char)hex[c & 15];
            }
            done = place + 1;
        }
        copy_block(to, from + at + done);
        to += (len - at < 64 ? len - at : 64) - done;
    }
    return (size_t)(to - start);
}

/* A cell without its quotes. */
static inline struct span cell_of(const struct pl_csv_cells *cells, size_t row)
{
    const uint32_t *end = cells->ends + cells->firsts[row] + cells->column;
    const uint32_t begin = end[-1] + 1;
    const uint32_t quote = cells->data[begin] == '"';

    return (struct span){begin + quote, *end - begin - 2 * quote};
}

static inline void doubt(const struct pl_csv_cells *cells, size_t row,
                         bool is_doubted)
{
    cells->doubts[row] |= (unsigned char)is_doubted;
}

static void KERNEL(ids)(const struct pl_csv_cells *cells)
{
    for (size_t i = 0; i < cells->count; i++) {
        const struct span s = cell_of(cells, i);
        const block b = block_load(cells->data + s.at);
        const uint64_t wrong =
            block_is(b, '$') | block_is(b, '{') | block_is(b, '}');

        doubt(cells, i,
              s.len - 1 >= 64 || (wrong & low_bits(s.len & 127)) != 0);
    }
}

/* A number that may have a power: one dot and one power at most, the dot first,
 * digits on either side of both, and no more than two behind a power or its
 * sign. */
static inline bool is_odd_number(half h, uint32_t valid, uint32_t digits,
                                 uint32_t dots)
{
    const uint32_t powers = (half_is(h, 'e') | half_is(h, 'E')) & valid;
    const uint32_t signs = half_is(h, '-') & (1 | (powers << 1)) & valid;
    const uint32_t joints = dots | powers;
    const uint32_t wrong =
        (valid & ~(digits | joints | signs)) | (dots & (dots - 1)) |
        (powers & (powers - 1)) | (dots & ~(powers - 1)) |
        (joints & ~(digits << 1)) | (dots & ~(digits >> 1)) |
        (powers & ~((digits | signs) >> 1)) | (signs & ~(digits >> 1)) |
        (valid & ((powers << 4) | ((powers & ~(signs >> 1)) << 3)));

    return wrong != 0 || (valid != 0 && digits == 0);
}

static void KERNEL(numbers)(const struct pl_csv_cells *cells)
{
    for (size_t i = 0; i < cells->count; i++) {
        const struct span s = cell_of(cells, i);
        const half h = half_load(cells->data + s.at);
        const uint32_t valid = (uint32_t)low_bits(s.len & 31);
        const uint32_t digits = half_within(h, '0', '9') & valid;
        const uint32_t dots = half_is(h, '.') & valid;
        const uint32_t minus = cells->data[s.at] == '-';
        /* most have digits, a dot between two of them, a minus before them */
        const uint32_t odd = (valid & ~(digits | dots | minus)) |
                             (dots & (dots - 1)) | (dots & ~(digits << 1)) |
                             (dots & ~(digits >> 1));

        if (odd == 0 && digits != 0 && s.len <= 15)
            continue;
        doubt(cells, i, s.len > 15 || is_odd_number(h, valid, digits, dots));
    }
}

static void KERNEL(emails)(const struct pl_csv_cells *cells,
                           const uint32_t *list, size_t count)
{
    for (size_t k = 0; k < count; k++) {
        const struct span s = cell_of(cells, list[k]);
        unsigned char *text = cells->data + s.at;
        const block b = block_load(text);
        const uint64_t valid = low_bits(s.len);
        const uint64_t ats = block_is(b, '@') & valid;
        const uint64_t dots = block_is(b, '.') & valid;
        const uint64_t hyphens = block_is(b, '-') & valid;
        const uint64_t domain = valid & ~(ats | (ats - 1));
        const uint64_t last = (valid >> 1) + 1;
        const uint64_t words =
            (block_within(b, '0', '9') | block_letters(b, 'a', 'z')) & valid;
        const uint64_t locals = (block_is(b, '_') | block_is(b, '+')) & ~domain;
        const uint64_t seams = dots | ats;
        /* no seam at an end or beside a seam, no hyphen at the end of a part
         * of the domain, one @, a dot in the domain */
        const uint64_t wrong =
            (valid & ~(words | hyphens | seams | locals)) |
            (seams & (1 | last | (seams << 1))) |
            (hyphens & domain & ((seams << 1) | (seams >> 1) | last)) |
            (ats & (ats - 1));
        const bool is_doubted =
            wrong != 0 || ats == 0 || (dots & domain) == 0 || s.len > 64;

        const uint64_t capitals = block_within(b, 'A', 'Z') & domain;

        doubt(cells, list[k], is_doubted);
        if (cells->doubts[list[k]])
            continue;
        lower_at(text, capitals);
        cells->edits[*cells->edit_count] =
            (struct pl_csv_edit){(uint32_t)s.at, capitals};
        *cells->edit_count += capitals != 0;
    }
}

static void KERNEL(phones)(const struct pl_csv_cells *cells,
                           const uint32_t *list, size_t count)
{
    for (size_t k = 0; k < count; k++) {
        const struct span s = cell_of(cells, list[k]);
        const half h = half_load(cells->data + s.at);
        const uint32_t valid = (uint32_t)low_bits(s.len & 31);
        const uint32_t digits = half_within(h, '0', '9');

        doubt(cells, list[k],
              s.len < 3 || s.len > 16 || ((digits | 1) & valid) != valid ||
                  cells->data[s.at] != '+' || cells->data[s.at + 1] == '0');
    }
}

static void KERNEL(tokens)(const struct pl_csv_cells *cells,
                           const uint32_t *list, size_t count, bool is_hex)
{
    for (size_t k = 0; k < count; k++) {
        const struct span s = cell_of(cells, list[k]);
        uint64_t wrong = s.len == 0;

        for (size_t at = 0; at < s.len; at += 64) {
            const block b = block_load(cells->data + s.at + at);
            const uint64_t valid = low_bits(s.len - at);
            const uint64_t right =
                is_hex ? block_within(b, '0', '9') | block_letters(b, 'a', 'f')
                       : block_within(b, 0x21, 0x7E);

            wrong |= valid & ~right;
        }
        doubt(cells, list[k], wrong != 0);
    }
}

#define KERNEL_TABLE(title) \
    { \
        .name = (title), .scan = KERNEL(scan), .strip = KERNEL(strip), \
        .escape = KERNEL(escape), .count_lines = KERNEL(count_lines), \
        .ids = KERNEL(ids), .numbers = KERNEL(numbers), \
        .emails = KERNEL(emails), .phones = KERNEL(phones), \
        .tokens = KERNEL(tokens) \
    }

#endif
