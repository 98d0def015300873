/*
 * gen - write the CSV files of the benchmark to standard output.
 *
 * Every byte follows from the arguments: one stream of splitmix64, drawn in
 * the order of the cells. The check sums in tests/bench/run hold it to that,
 * so a draw must neither be added nor moved.
 */
#include <inttypes.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define GOLDEN UINT64_C(0x9E3779B97F4A7C15) /* splitmix64's step */
#define PER_ROWS 100000                     /* the unit of the bad rows */
#define ATTRIBUTES 60                       /* in a row of set C */
#define LONG_CELL 101                       /* one more than is allowed */
#define SOUND_ROWS 11                       /* before E's first bad row */

static const char usage[] =
    "Usage: gen A|B|C|D ROWS SEED [BAD]  BAD rows of 100000 have a defect\n"
    "       gen E ROWS SEED              every row from the 12th has one\n"
    "       gen cell BYTES               a row with one cell of that size\n"
    "       gen wide COLUMNS             a header that no target takes\n";

enum defect {
    DEFECT_NONE,
    DEFECT_ID_MISSING,
    DEFECT_ID_REPEATED,
    DEFECT_VALUE_LONG,
    DEFECT_NOT_UTF8,
    DEFECT_CHANNEL_UNKNOWN,
    DEFECT_ADDRESS_WRONG, /* of e-mail and SMS; the others take any text */
    DEFECT_NUMBER_WRONG,
    DEFECT_CELL_EXTRA,
    DEFECT_QUOTE_WRONG,
    DEFECTS = DEFECT_QUOTE_WRONG
};

enum channel { CHANNEL_EMAIL, CHANNEL_SMS, CHANNEL_GCM, CHANNEL_APNS };

static const char *const channel_names[] = {"EMAIL", "SMS", "GCM", "APNS"};

static const char *const first_names[16] = {
    "anna", "ben",   "carla", "dmitri", "emre",  "fatima", "george", "hana",
    "ivan", "julia", "kenji", "lara",   "maria", "noah",   "olga",   "pedro"};

static const char *const last_names[16] = {
    "smith",  "mueller",      "garcia", "tanaka", "ivanova", "rossi",
    "dubois", "kowalski",     "silva",  "nguyen", "khan",    "jensen",
    "okafor", "papadopoulos", "lee",    "oconnor"};

static const char *const domains[16] = {
    "example.com",      "Example.com",          "mail.example.org",
    "Corp.Example.NET", "example.co.uk",        "news.example.io",
    "shop.example.de",  "example.fr",           "EXAMPLE.COM",
    "post.example.jp",  "inbox.example.com.br", "example.in",
    "app.example.dev",  "example.museum",       "mx.example.edu",
    "example.travel"};

static const char *const cities[16] = {
    "Zürich",   "São Paulo", "東京",   "Paris",     "Łódź",   "Москва",
    "New York", "القاهرة",   "Αθήνα",  "서울",      "Berlin", "Kraków",
    "München",  "Tromsø",    "北京市", "naïve café"};

static const char *const letters[4] = {"é", "ü", "中", "😀"};

/* What makes a cell of set D need its quotes. */
static const char *const breakers[4] = {", ", "\n", "\"x\"", "\r\n\""};

struct gen {
    char set; /* 'A' to 'E' */
    uint64_t state;
    uint64_t bad; /* rows of PER_ROWS */
    bool is_minimal;
    size_t cell_len;
    size_t row_len;
    char cell[4096];
    char row[65536];
};

/* The output function of splitmix64: a bijection, so that row numbers become
 * Ids that are all different. */
static uint64_t mix(uint64_t z)
{
    z = (z ^ (z >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94D049BB133111EB);
    return z ^ (z >> 31);
}

static uint64_t draw(struct gen *g)
{
    g->state += GOLDEN;
    return mix(g->state);
}

/* A number from 0 to n - 1. */
static uint32_t below(struct gen *g, uint32_t n)
{
    return (uint32_t)(((draw(g) >> 32) * n) >> 32);
}

static void add_byte(struct gen *g, char byte)
{
    g->cell[g->cell_len++] = byte;
}

static void add(struct gen *g, const char *text)
{
    const size_t len = strlen(text);

    memcpy(g->cell + g->cell_len, text, len);
    g->cell_len += len;
}

static void add_one_of(struct gen *g, const char *const *texts, uint32_t n)
{
    add(g, texts[below(g, n)]);
}

static void add_number(struct gen *g, uint64_t value, int width)
{
    char text[24];

    (void)snprintf(text, sizeof(text), "%0*" PRIu64, width, value);
    add(g, text);
}

static void add_hex(struct gen *g, uint64_t value)
{
    char text[24];

    (void)snprintf(text, sizeof(text), "%016" PRIx64, value);
    add(g, text);
}

static void add_decimal(struct gen *g, uint32_t wholes)
{
    add_number(g, below(g, wholes), 1);
    add_byte(g, '.');
    add_number(g, below(g, 100), 2);
}

static bool cell_needs_quotes(const struct gen *g)
{
    for (size_t i = 0; i < g->cell_len; i++)
        if (strchr("\",\r\n", g->cell[i]) != NULL)
            return true;
    return false;
}

/* Moves the cell into the row, with what separates it from the next. */
static void end_cell(struct gen *g, char separator)
{
    const bool is_quoted = !g->is_minimal || cell_needs_quotes(g);

    if (is_quoted)
        g->row[g->row_len++] = '"';
    for (size_t i = 0; i < g->cell_len; i++) {
        if (g->cell[i] == '"')
            g->row[g->row_len++] = '"';
        g->row[g->row_len++] = g->cell[i];
    }
    if (is_quoted)
        g->row[g->row_len++] = '"';
    g->row[g->row_len++] = separator;
    g->cell_len = 0;
}

static void write_row(struct gen *g)
{
    (void)fwrite(g->row, 1, g->row_len, stdout);
    g->row_len = 0;
}

static void add_id(struct gen *g, uint64_t row)
{
    add(g, "ep-");
    add_hex(g, mix(row + 1));
}

/* A blank behind 1 % of the cells and before another 1 %. */
static void pad(struct gen *g)
{
    const uint32_t side = below(g, 100);

    if (side == 0) {
        add_byte(g, ' ');
    } else if (side == 1) {
        memmove(g->cell + 1, g->cell, g->cell_len);
        g->cell[0] = ' ';
        g->cell_len++;
    }
}

static void add_long(struct gen *g)
{
    for (int i = 0; i < LONG_CELL; i++)
        add_byte(g, 'x');
}

/* One to three cities; 23 % of these cells need their quotes. */
static void add_nasty(struct gen *g)
{
    const bool is_nasty = below(g, 10000) < 2333;
    const uint32_t words = 1 + below(g, 3);

    for (uint32_t i = 0; i < words; i++) {
        if (i > 0)
            add_byte(g, ' ');
        add_one_of(g, cities, 16);
        if (is_nasty && (i == 0 || below(g, 2) == 1))
            add_one_of(g, breakers, 4);
    }
    if (is_nasty)
        add_byte(g, '.'); /* a line break at the end would be trimmed */
}

static void add_user_id(struct gen *g)
{
    add(g, "user-");
    add_number(g, below(g, 4000000), 7);
    if (below(g, 100) == 0)
        add_one_of(g, letters, 4);
}

static enum channel draw_channel(struct gen *g)
{
    const uint32_t percent = below(g, 100);

    if (percent < 60)
        return CHANNEL_EMAIL;
    if (percent < 90)
        return CHANNEL_SMS;
    return percent < 95 ? CHANNEL_GCM : CHANNEL_APNS;
}

static void add_address(struct gen *g, enum channel channel)
{
    switch (channel) {
    case CHANNEL_EMAIL:
        add_one_of(g, first_names, 16);
        add_byte(g, '.');
        add_one_of(g, last_names, 16);
        add_number(g, below(g, 10000), 1);
        add_byte(g, '@');
        add_one_of(g, domains, 16);
        break;
    case CHANNEL_SMS:
        add_byte(g, '+');
        add_number(g, 1 + below(g, 99), 1);
        add_number(g, 1000000 + below(g, 9000000), 7);
        add_number(g, below(g, 100), 2);
        break;
    case CHANNEL_GCM:
    case CHANNEL_APNS:
        for (int i = 0; i < 4; i++)
            add_hex(g, draw(g));
        break;
    }
}

static void add_score(struct gen *g)
{
    if (below(g, 4) == 0)
        add_byte(g, '-');
    add_number(g, below(g, 10), 1);
    add_byte(g, '.');
    add_number(g, below(g, 10000), 4);
    if (below(g, 100) == 0) {
        add(g, "e-");
        add_number(g, 1 + below(g, 9), 1);
    }
}

/* The four kinds of attribute of set C take turns. */
static void add_attribute(struct gen *g, int number)
{
    switch (number % 4) {
    case 0:
        if (below(g, 5) > 0)
            add_number(g, below(g, 100), 1);
        break;
    case 1:
        add_decimal(g, 1000000);
        break;
    case 2:
        add_one_of(g, cities, 16);
        break;
    default:
        if (below(g, 5) > 0) {
            add_one_of(g, first_names, 16);
            add_byte(g, '-');
            add_one_of(g, last_names, 16);
        }
        break;
    }
}

static void head(struct gen *g, const char *name, char separator)
{
    add(g, name);
    end_cell(g, separator);
}

static void write_header(struct gen *g)
{
    char name[32];

    head(g, "Id", ',');
    if (g->set == 'C') {
        for (int i = 1; i <= ATTRIBUTES; i++) {
            (void)snprintf(name, sizeof(name), "Attributes.Attr%02d", i);
            head(g, name, ',');
        }
    } else if (g->set == 'D') {
        head(g, "Attributes.City", ',');
        head(g, "User.UserAttributes.Note", ',');
    } else {
        head(g, "Attributes.NumEmailsOpenedLast30Days", ',');
        head(g, "User.UserAttributes.CustomerLifetimeValue", ',');
    }
    head(g, "User.UserId", ',');
    head(g, "ChannelType", ',');
    head(g, "Address", ',');
    head(g, "Metrics.Score", '\n');
    write_row(g);
}

/* Set E draws nothing here: its defects take turns. */
static enum defect draw_defect(struct gen *g, uint64_t row)
{
    if (g->set == 'E')
        return row < SOUND_ROWS
                   ? DEFECT_NONE
                   : (enum defect)(1 + (row - SOUND_ROWS) % DEFECTS);
    if (g->bad == 0 || below(g, PER_ROWS) >= g->bad)
        return DEFECT_NONE;
    return (enum defect)(1 + below(g, DEFECTS));
}

static void id_cell(struct gen *g, uint64_t row, enum defect defect)
{
    if (defect == DEFECT_ID_REPEATED && g->set == 'E')
        add_id(g, row % SOUND_ROWS); /* a bad row leaves no Id behind */
    else if (defect == DEFECT_ID_REPEATED && row > 10)
        add_id(g, row - 1 - below(g, 10));
    else if (defect != DEFECT_ID_MISSING)
        add_id(g, row);
    end_cell(g, ',');
}

static void attribute_cells(struct gen *g, enum defect defect)
{
    if (g->set == 'C') {
        for (int i = 0; i < ATTRIBUTES; i++) {
            add_attribute(g, i);
            if (defect == DEFECT_VALUE_LONG && i == 7)
                add_long(g);
            end_cell(g, ',');
        }
    } else if (g->set == 'D') {
        add_nasty(g);
        end_cell(g, ',');
        add_nasty(g);
        end_cell(g, ',');
    } else {
        add_number(g, below(g, 100), 1);
        pad(g);
        if (defect == DEFECT_VALUE_LONG)
            add_long(g);
        end_cell(g, ',');
        add_decimal(g, 10000);
        end_cell(g, ',');
    }
}

static void user_cell(struct gen *g, enum defect defect)
{
    if (g->set == 'D')
        add_nasty(g);
    else
        add_user_id(g);
    if (defect == DEFECT_NOT_UTF8)
        add(g, "\xC3("); /* the first of two bytes, then none */
    end_cell(g, ',');
}

static void address_cells(struct gen *g, enum defect defect)
{
    enum channel channel = draw_channel(g);

    while (g->set == 'E' && defect == DEFECT_ADDRESS_WRONG &&
           channel > CHANNEL_SMS)
        channel = draw_channel(g);
    add(g, channel_names[channel]);
    if (defect == DEFECT_CHANNEL_UNKNOWN)
        add_byte(g, 'X');
    end_cell(g, ',');
    add_address(g, channel);
    pad(g);
    if (defect == DEFECT_ADDRESS_WRONG && channel == CHANNEL_EMAIL)
        g->cell[0] = '@';
    if (defect == DEFECT_ADDRESS_WRONG && channel == CHANNEL_SMS)
        add_byte(g, 'x');
    end_cell(g, ',');
}

static void score_cell(struct gen *g, enum defect defect)
{
    add_score(g);
    if (defect == DEFECT_NUMBER_WRONG)
        add(g, "abc");
    if (defect == DEFECT_CELL_EXTRA) {
        end_cell(g, ',');
        add(g, "extra");
    }
    end_cell(g, '\n');
    if (defect == DEFECT_QUOTE_WRONG && !g->is_minimal) {
        g->row[g->row_len - 1] = 'z'; /* behind the closing quote */
        g->row[g->row_len++] = '\n';
    }
}

static void write_rows(struct gen *g, uint64_t rows)
{
    for (uint64_t row = 0; row < rows; row++) {
        const enum defect defect = draw_defect(g, row);

        id_cell(g, row, defect);
        attribute_cells(g, defect);
        user_cell(g, defect);
        address_cells(g, defect);
        score_cell(g, defect);
        write_row(g);
    }
}

/* User.UserId has no limit of its own: the row is a good one. */
static void write_cell(uint64_t bytes)
{
    (void)fputs("\"Id\",\"User.UserId\",\"ChannelType\",\"Address\"\n"
                "\"ep-1\",\"",
                stdout);
    for (uint64_t i = 0; i < bytes; i++)
        (void)putchar(i % 80 == 79 ? ',' : 'u');
    (void)fputs("\",\"SMS\",\"+15550100\"\n"
                "\"ep-2\",\"user-2\",\"SMS\",\"+15550101\"\n",
                stdout);
}

static void write_wide(uint64_t columns)
{
    (void)fputs("Id", stdout);
    for (uint64_t i = 1; i < columns; i++)
        (void)printf(",Attributes.A%" PRIu64, i);
    (void)putchar('\n');
    for (int row = 1; row <= 3; row++) {
        (void)printf("ep-%d", row);
        for (uint64_t i = 1; i < columns; i++)
            (void)fputs(",1", stdout);
        (void)putchar('\n');
    }
}

/* Set B has A's values, so it shares A's stream. */
static void write_set(char set, uint64_t rows, uint64_t seed, uint64_t bad)
{
    static struct gen g; /* too large for a stack */
    const char stream = set == 'B' ? 'A' : set;

    g.set = set;
    g.state = seed * GOLDEN + (uint64_t)stream;
    g.bad = bad;
    g.is_minimal = set == 'B';
    write_header(&g);
    write_rows(&g, rows);
}

static bool is_number(const char *text, uint64_t *value)
{
    char *end;

    *value = strtoull(text, &end, 10);
    return text[0] >= '0' && text[0] <= '9' && *end == '\0';
}

static bool run(int argc, char **argv)
{
    uint64_t n;
    uint64_t seed;
    uint64_t bad = 0;

    if (argc < 3 || !is_number(argv[2], &n))
        return false;
    if (argc == 3 && strcmp(argv[1], "cell") == 0) {
        write_cell(n);
        return true;
    }
    if (argc == 3 && strcmp(argv[1], "wide") == 0) {
        write_wide(n);
        return true;
    }
    if (argc < 4 || argc > 5 || strlen(argv[1]) != 1 ||
        strchr("ABCDE", argv[1][0]) == NULL || !is_number(argv[3], &seed) ||
        (argc == 5 && !is_number(argv[4], &bad)))
        return false;
    write_set(argv[1][0], n, seed, bad);
    return true;
}

int main(int argc, char **argv)
{
    (void)setvbuf(stdout, NULL, _IOFBF, 1 << 20);
    if (!run(argc, argv)) {
        (void)fputs(usage, stderr);
        return 64;
    }
    if (fflush(stdout) != 0 || ferror(stdout)) {
        perror("gen: cannot write");
        return 74;
    }
    return 0;
}
