/*
 * libcsv_job - the checks of `csv-validate-normalize --rules basic` on libcsv.
 *
 * The honest baseline: one thread, libcsv in strict mode as it is meant to be
 * used, and around it nothing that costs more than it must. A good row is
 * written to standard output, a bad one is counted under its rule; standard
 * error gets the counts.
 */
#include <csv.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#ifdef __SSE2__
#include <emmintrin.h>
#endif

#define COLUMNS_MAX 4096
#define VALUE_MAX 100  /* characters in an attribute */
#define NUMBER_MAX 127 /* bytes */
#define READ_BYTES ((size_t)256 << 10)
#define WRITE_BYTES ((size_t)1 << 20)
#define SLACK 16 /* bytes that a vector load may reach too far */

enum rule {
    RULE_NONE,
    RULE_QUOTE,
    RULE_COLUMNS,
    RULE_UTF8,
    RULE_ID_MISSING,
    RULE_ID_DUPLICATE,
    RULE_LENGTH,
    RULE_NUMBER,
    RULE_CHANNEL,
    RULE_ADDRESS,
    RULES
};

static const char *const rule_names[RULES] = {
    "good",       "malformed-quote", "column-count",     "utf8",
    "id-missing", "id-duplicate",    "attribute-length", "metric-number",
    "channel",    "address"};

enum kind {
    KIND_TEXT,
    KIND_ID,
    KIND_VALUE,
    KIND_NUMBER,
    KIND_CHANNEL,
    KIND_ADDRESS
};

/* What is in a row or in a cell, seen in one pass. */
enum { HAS_HIGH_BYTE = 1, NEEDS_QUOTES = 2 };

struct cell {
    size_t start; /* in the row */
    size_t len;
    bool needs_quotes;
};

/* Open addressing, at most two thirds full; 0 is a free slot. */
struct table {
    uint64_t *slots;
    size_t mask;
    size_t count;
};

struct job {
    size_t columns; /* 0 until the header has been read */
    enum kind kinds[COLUMNS_MAX];
    struct cell cells[COLUMNS_MAX];
    size_t count; /* cells of this row so far */
    size_t id;
    size_t channel;
    size_t address;
    uint64_t id_hash;
    enum rule rule;    /* the first that this row breaks */
    bool needs_quotes; /* some cell of this row does */
    char *row;         /* its cells, a comma behind each */
    size_t row_len;
    size_t row_cap;
    char *out;
    size_t out_len;
    struct table ids;
    uint64_t rows[RULES];
};

static _Noreturn void die(const char *what)
{
    (void)fprintf(stderr, "libcsv_job: %s: %s\n", what, strerror(errno));
    exit(74);
}

static void *must_alloc(void *memory)
{
    if (memory == NULL)
        die("out of memory");
    return memory;
}

/* ---- Ids ---- */

/* Eight bytes, with A to Z as a to z and all others as they are. */
static uint64_t fold_case(uint64_t bytes)
{
    const uint64_t ones = UINT64_C(0x0101010101010101);
    const uint64_t low = bytes & (ones * 0x7F);
    const uint64_t from_a = low + ones * (0x80 - 'A');
    const uint64_t past_z = low + ones * (0x80 - 'Z' - 1);
    const uint64_t is_upper = from_a & ~past_z & ~bytes & (ones * 0x80);

    return bytes | is_upper >> 2;
}

static uint64_t mix(uint64_t a, uint64_t b)
{
    __extension__ const unsigned __int128 product = (unsigned __int128)a * b;

    return (uint64_t)product ^ (uint64_t)(product >> 64);
}

/* Never 0: that is a free slot. */
static uint64_t hash_id(const char *id, size_t len)
{
    uint64_t hash = len ^ UINT64_C(0x2D358DCCAA6C78A5);
    uint64_t word;

    for (; len >= 8; id += 8, len -= 8) {
        memcpy(&word, id, 8);
        hash = mix(hash ^ fold_case(word), UINT64_C(0x8BB84B93962EACC9));
    }
    word = 0;
    memcpy(&word, id, len);
    hash = mix(hash ^ fold_case(word), UINT64_C(0x4B33A62ED433D4A3));
    return hash != 0 ? hash : 1;
}

static void table_init(struct table *t, size_t slots)
{
    t->slots = must_alloc(calloc(slots, sizeof(*t->slots)));
    t->mask = slots - 1;
    t->count = 0;
}

/* Returns false if the hash was there. */
static bool table_add(struct table *t, uint64_t hash)
{
    size_t i = hash & t->mask;

    for (; t->slots[i] != 0; i = (i + 1) & t->mask)
        if (t->slots[i] == hash)
            return false;
    t->slots[i] = hash;
    t->count++;
    return true;
}

static void table_grow(struct table *t)
{
    struct table larger;

    table_init(&larger, (t->mask + 1) * 2);
    for (size_t i = 0; i <= t->mask; i++)
        if (t->slots[i] != 0)
            (void)table_add(&larger, t->slots[i]);
    free(t->slots);
    *t = larger;
}

/* ---- Cells ---- */

/*
 * Looks for what a plain cell does not have. The commas are counted: in a row
 * as many as cells are no reason for quotes. May read up to SLACK bytes too
 * far.
 */
static unsigned scan(const char *p, size_t len, size_t *commas)
{
    unsigned found = 0;
#ifdef __SSE2__
    for (size_t i = 0; i < len; i += 16) {
        const __m128i v = _mm_loadu_si128((const void *)(p + i));
        const __m128i special =
            _mm_or_si128(_mm_cmpeq_epi8(v, _mm_set1_epi8('"')),
                         _mm_or_si128(_mm_cmpeq_epi8(v, _mm_set1_epi8('\n')),
                                      _mm_cmpeq_epi8(v, _mm_set1_epi8('\r'))));
        const unsigned mask = len - i >= 16 ? 0xFFFF : (1U << (len - i)) - 1;
        const unsigned comma =
            (unsigned)_mm_movemask_epi8(_mm_cmpeq_epi8(v, _mm_set1_epi8(',')));

        *commas += (size_t)__builtin_popcount(comma & mask);
        if (((unsigned)_mm_movemask_epi8(v) & mask) != 0)
            found |= HAS_HIGH_BYTE;
        if (((unsigned)_mm_movemask_epi8(special) & mask) != 0)
            found |= NEEDS_QUOTES;
    }
#else
    for (size_t i = 0; i < len; i++) {
        *commas += p[i] == ',';
        if ((unsigned char)p[i] >= 0x80)
            found |= HAS_HIGH_BYTE;
        if (p[i] == '"' || p[i] == '\n' || p[i] == '\r')
            found |= NEEDS_QUOTES;
    }
#endif
    return found;
}

/* The length of the character at p, 0 if it is not UTF-8. */
static size_t utf8_len(const unsigned char *p, size_t left)
{
    /* The second byte has limits of its own: no overlong forms, no
     * surrogates, nothing above U+10FFFF. */
    const unsigned char least = p[0] == 0xE0   ? 0xA0
                                : p[0] == 0xF0 ? 0x90
                                               : 0x80;
    const unsigned char most = p[0] == 0xED ? 0x9F : p[0] == 0xF4 ? 0x8F : 0xBF;
    size_t len;

    if (p[0] < 0x80)
        return 1;
    if (p[0] < 0xC2 || p[0] > 0xF4)
        return 0;
    len = p[0] < 0xE0 ? 2 : p[0] < 0xF0 ? 3 : 4;
    if (left < len || p[1] < least || p[1] > most)
        return 0;
    for (size_t i = 2; i < len; i++)
        if ((p[i] & 0xC0) != 0x80)
            return 0;
    return len;
}

/* Counts the characters; returns false if they are not UTF-8. */
static bool count_utf8(const char *text, size_t len, size_t *count)
{
    const unsigned char *p = (const unsigned char *)text;
    const unsigned char *const end = p + len;

    for (*count = 0; p < end; (*count)++) {
        const size_t step = utf8_len(p, (size_t)(end - p));

        if (step == 0)
            return false;
        p += step;
    }
    return true;
}

static const char *skip_digits(const char *p, const char *end)
{
    while (p < end && *p >= '0' && *p <= '9')
        p++;
    return p;
}

/* Only an exponent of three digits can make a number that short infinite. */
static bool is_finite(const char *text, size_t len)
{
    char copy[NUMBER_MAX + 1];

    memcpy(copy, text, len);
    copy[len] = '\0';
    return isfinite(strtod(copy, NULL)) != 0;
}

/* [-+]digits[.digits][e[-+]digits] */
static bool is_number(const char *text, size_t len)
{
    const char *const end = text + len;
    const char *p = text;
    const char *digits;

    if (len > NUMBER_MAX)
        return false;
    if (p < end && (*p == '-' || *p == '+'))
        p++;
    digits = p;
    p = skip_digits(p, end);
    if (p == digits)
        return false;
    if (p < end && *p == '.') {
        digits = ++p;
        p = skip_digits(p, end);
        if (p == digits)
            return false;
    }
    if (p == end)
        return true;
    if (*p++ != 'e' && p[-1] != 'E')
        return false;
    if (p < end && (*p == '-' || *p == '+'))
        p++;
    digits = p;
    p = skip_digits(p, end);
    return p == end && p > digits && (p - digits < 3 || is_finite(text, len));
}

/* A plus and 2 to 15 digits, the first not 0. */
static bool is_phone(const char *p, size_t len)
{
    return len >= 3 && len <= 16 && p[0] == '+' && p[1] != '0' &&
           skip_digits(p + 1, p + len) == p + len;
}

/* One @, a local part up to 64 bytes, a domain with a dot inside; puts the
 * domain into lower case. */
static bool fix_email(char *p, size_t len)
{
    char *const at = memchr(p, '@', len);
    const size_t local = at != NULL ? (size_t)(at - p) : 0;
    bool has_dot = false;

    if (local == 0 || local > 64 || len > 254 || len - local < 4 ||
        memchr(p, ' ', local) != NULL || at[1] == '.' || p[len - 1] == '.')
        return false;
    for (char *c = at + 1; c < p + len; c++) {
        if (*c == '@' || *c == ' ')
            return false;
        has_dot = has_dot || *c == '.';
        if (*c >= 'A' && *c <= 'Z')
            *c = (char)(*c + ('a' - 'A'));
    }
    return has_dot;
}

static bool is_text(const char *p, size_t len, const char *text)
{
    return len == strlen(text) && memcmp(p, text, len) == 0;
}

static bool is_channel(const char *p, size_t len)
{
    static const char *const names[] = {
        "EMAIL", "SMS",   "GCM",   "APNS",   "APNS_SANDBOX",     "APNS_VOIP",
        "ADM",   "VOICE", "BAIDU", "CUSTOM", "APNS_VOIP_SANDBOX"};

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        if (is_text(p, len, names[i]))
            return true;
    return false;
}

/* ---- Output ---- */

static void flush(struct job *job)
{
    size_t done = 0;

    while (done < job->out_len) {
        const ssize_t n =
            write(STDOUT_FILENO, job->out + done, job->out_len - done);

        if (n < 0)
            die("cannot write");
        done += (size_t)n;
    }
    job->out_len = 0;
}

/* A cell that needs quotes, or stands in a row with one. */
static void write_cell(struct job *job, const struct cell *cell, char separator)
{
    const char *const p = job->row + cell->start;
    char *out = job->out + job->out_len;

    if (cell->needs_quotes) {
        *out++ = '"';
        for (size_t i = 0; i < cell->len; i++) {
            if (p[i] == '"')
                *out++ = '"';
            *out++ = p[i];
        }
        *out++ = '"';
    } else {
        memcpy(out, p, cell->len);
        out += cell->len;
    }
    *out++ = separator;
    job->out_len = (size_t)(out - job->out);
}

static void write_row(struct job *job)
{
    /* at worst every byte is doubled and every cell quoted */
    const size_t most = 2 * job->row_len + 2 * job->count;

    if (most > WRITE_BYTES - job->out_len)
        flush(job);
    if (most > WRITE_BYTES)
        job->out = must_alloc(realloc(job->out, most));
    if (!job->needs_quotes) {
        memcpy(job->out + job->out_len, job->row, job->row_len);
        job->out_len += job->row_len;
        job->out[job->out_len - 1] = '\n';
    } else {
        for (size_t i = 0; i < job->count; i++)
            write_cell(job, &job->cells[i], i + 1 == job->count ? '\n' : ',');
    }
    if (job->out_len > WRITE_BYTES)
        flush(job);
}

/* ---- Rows ---- */

static void break_rule(struct job *job, enum rule rule)
{
    if (job->rule == RULE_NONE)
        job->rule = rule;
}

static void check_cell(struct job *job, size_t column, unsigned found)
{
    const struct cell *const cell = &job->cells[column];
    const char *const p = job->row + cell->start;
    size_t characters = cell->len;

    if ((found & HAS_HIGH_BYTE) != 0 && !count_utf8(p, cell->len, &characters))
        break_rule(job, RULE_UTF8);
    switch (job->kinds[column]) {
    case KIND_ID:
        if (cell->len == 0)
            break_rule(job, RULE_ID_MISSING);
        break;
    case KIND_VALUE:
        if (characters > VALUE_MAX)
            break_rule(job, RULE_LENGTH);
        break;
    case KIND_NUMBER:
        if (cell->len > 0 && !is_number(p, cell->len))
            break_rule(job, RULE_NUMBER);
        break;
    case KIND_TEXT:
    case KIND_CHANNEL:
    case KIND_ADDRESS:
        break;
    }
}

/* One look at the row; only if something is found, one at each cell. */
static void check_cells(struct job *job)
{
    size_t commas = 0;
    unsigned found = scan(job->row, job->row_len, &commas);

    job->needs_quotes = (found & NEEDS_QUOTES) != 0 || commas != job->count;
    for (size_t i = 0; i < job->count; i++) {
        struct cell *const cell = &job->cells[i];

        if (job->needs_quotes) {
            commas = 0;
            found = scan(job->row + cell->start, cell->len, &commas);
            cell->needs_quotes = (found & NEEDS_QUOTES) != 0 || commas > 0;
        }
        if (job->columns > 0)
            check_cell(job, i, found);
    }
}

static void on_cell(void *data, size_t len, void *ctx)
{
    struct job *const job = ctx;
    struct cell *const cell = &job->cells[job->count];
    const char *p = data;

    if (job->count == (job->columns > 0 ? job->columns : COLUMNS_MAX)) {
        break_rule(job, RULE_COLUMNS);
        return;
    }
    for (; len > 0 && p[0] == ' '; len--)
        p++;
    while (len > 0 && p[len - 1] == ' ')
        len--;
    if (len + 1 + SLACK > job->row_cap - job->row_len) {
        job->row_cap = 2 * job->row_cap + len;
        job->row = must_alloc(realloc(job->row, job->row_cap));
    }
    if (len > 0)
        memcpy(job->row + job->row_len, p, len);
    cell->start = job->row_len;
    cell->len = len;
    job->row[cell->start + len] = ',';
    job->row_len += len + 1;
    if (job->columns > 0 && job->kinds[job->count] == KIND_ID) {
        /* now, so that the slot has arrived when the row is complete */
        job->id_hash = hash_id(job->row + cell->start, len);
        __builtin_prefetch(&job->ids.slots[job->id_hash & job->ids.mask], 1);
    }
    job->count++;
}

static void check_address(struct job *job)
{
    const struct cell *const c = &job->cells[job->channel];
    const struct cell *const a = &job->cells[job->address];
    const char *const channel = job->row + c->start;
    char *const address = job->row + a->start;

    if (c->len == 0 && a->len == 0)
        return; /* an update by Id alone */
    if (!is_channel(channel, c->len))
        break_rule(job, RULE_CHANNEL);
    else if (a->len == 0)
        break_rule(job, RULE_ADDRESS);
    else if (is_text(channel, c->len, "EMAIL")) {
        if (!fix_email(address, a->len))
            break_rule(job, RULE_ADDRESS);
    } else if (is_text(channel, c->len, "SMS") ||
               is_text(channel, c->len, "VOICE")) {
        if (!is_phone(address, a->len))
            break_rule(job, RULE_ADDRESS);
    }
}

static bool has_prefix(const char *p, size_t len, const char *prefix)
{
    return len > strlen(prefix) && memcmp(p, prefix, strlen(prefix)) == 0;
}

static enum kind kind_of(const char *p, size_t len)
{
    if (is_text(p, len, "Id"))
        return KIND_ID;
    if (is_text(p, len, "ChannelType"))
        return KIND_CHANNEL;
    if (is_text(p, len, "Address"))
        return KIND_ADDRESS;
    if (has_prefix(p, len, "Metrics."))
        return KIND_NUMBER;
    if (has_prefix(p, len, "Attributes.") ||
        has_prefix(p, len, "User.UserAttributes."))
        return KIND_VALUE;
    return KIND_TEXT;
}

static void read_header(struct job *job)
{
    job->id = job->channel = job->address = COLUMNS_MAX;
    for (size_t i = 0; i < job->count; i++) {
        const struct cell *const cell = &job->cells[i];

        job->kinds[i] = kind_of(job->row + cell->start, cell->len);
        if (job->kinds[i] == KIND_ID)
            job->id = i;
        else if (job->kinds[i] == KIND_CHANNEL)
            job->channel = i;
        else if (job->kinds[i] == KIND_ADDRESS)
            job->address = i;
    }
    job->columns = job->count;
    if (job->rule != RULE_NONE || job->id == COLUMNS_MAX ||
        job->channel == COLUMNS_MAX || job->address == COLUMNS_MAX) {
        (void)fprintf(stderr,
                      "libcsv_job: the header needs Id, ChannelType "
                      "and Address, and at most %d columns\n",
                      COLUMNS_MAX);
        exit(65);
    }
}

static void check_row(struct job *job)
{
    if (job->count != job->columns)
        break_rule(job, RULE_COLUMNS);
    else if (job->rule == RULE_NONE)
        check_address(job);
    /* last: a bad row leaves no Id behind */
    if (job->rule == RULE_NONE && !table_add(&job->ids, job->id_hash))
        break_rule(job, RULE_ID_DUPLICATE);
    if (job->ids.count > job->ids.mask / 3 * 2)
        table_grow(&job->ids);
}

static void next_row(struct job *job)
{
    job->count = 0;
    job->row_len = 0;
    job->rule = RULE_NONE;
    job->needs_quotes = false;
}

static void on_row(int end, void *ctx)
{
    struct job *const job = ctx;

    (void)end;
    check_cells(job);
    if (job->columns == 0) {
        read_header(job);
        write_row(job);
    } else {
        check_row(job);
        if (job->rule == RULE_NONE)
            write_row(job);
        job->rows[job->rule]++;
    }
    next_row(job);
}

/* ---- Input ---- */

/* Parses len bytes. A quoting error ends libcsv's parse: the rest of that
 * line is skipped and the parser begins anew behind it. */
static void parse(struct job *job, struct csv_parser *parser, const char *p,
                  size_t len, bool *is_skipping)
{
    while (len > 0) {
        size_t done;

        if (*is_skipping) {
            const char *const lf = memchr(p, '\n', len);

            if (lf == NULL)
                return;
            *is_skipping = false;
            done = (size_t)(lf + 1 - p);
        } else {
            done = csv_parse(parser, p, len, on_cell, on_row, job);
            if (done < len) {
                if (csv_error(parser) != CSV_EPARSE)
                    die(csv_strerror(csv_error(parser)));
                (void)csv_fini(parser, NULL, NULL, NULL);
                job->rows[RULE_QUOTE]++;
                next_row(job);
                *is_skipping = true;
            }
        }
        p += done;
        len -= done;
    }
}

static void run(struct job *job, int fd)
{
    char *const buf = must_alloc(malloc(READ_BYTES));
    struct csv_parser parser;
    bool is_skipping = false;
    ssize_t n;

    if (csv_init(&parser, CSV_STRICT | CSV_STRICT_FINI) != 0)
        die("cannot start libcsv");
    csv_set_blk_size(&parser, 4096);
    while ((n = read(fd, buf, READ_BYTES)) > 0)
        parse(job, &parser, buf, (size_t)n, &is_skipping);
    if (n < 0)
        die("cannot read");
    if (csv_fini(&parser, on_cell, on_row, job) != 0) {
        (void)fputs("libcsv_job: a quote is open at the end\n", stderr);
        exit(65);
    }
    flush(job);
    csv_free(&parser);
    free(buf);
}

int main(int argc, char **argv)
{
    static struct job job; /* too large for a stack */
    int fd;

    if (argc != 2) {
        (void)fputs("Usage: libcsv_job FILE\n", stderr);
        return 64;
    }
    fd = open(argv[1], O_RDONLY);
    if (fd < 0)
        die(argv[1]);
    job.row_cap = 4096;
    job.row = must_alloc(malloc(job.row_cap));
    job.out = must_alloc(malloc(WRITE_BYTES));
    table_init(&job.ids, (size_t)1 << 16);
    run(&job, fd);
    for (int i = 0; i < RULES; i++)
        if (job.rows[i] > 0)
            (void)fprintf(stderr, "%s: %" PRIu64 "\n", rule_names[i],
                          job.rows[i]);
    free(job.ids.slots);
    free(job.out);
    free(job.row);
    (void)close(fd);
    return 0;
}
