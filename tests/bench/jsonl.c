/*
 * jsonl - turn the benchmark's CSV on standard input into JSON lines, one
 * object a record under the header's names, as UNLOAD would write them: what
 * is NULL is left out, what reads like a number stands without quotes in
 * columns of Metrics.
 */
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COLUMNS_MAX 256
#define CELL_MAX ((size_t)1 << 20)

static char *names[COLUMNS_MAX];
static size_t name_count;
static char cell[CELL_MAX];
static size_t cell_len;

static void stop(const char *why)
{
    (void)fprintf(stderr, "jsonl: %s\n", why);
    exit(1);
}

static void keep(int c)
{
    if (cell_len + 1 == CELL_MAX)
        stop("a cell is too long");
    cell[cell_len++] = (char)c;
}

/* The next cell; *is_null, and what ended it: a comma, a LF, EOF. */
static int read_cell(bool *is_null)
{
    int c = getchar();

    cell_len = 0;
    *is_null = c != '"';
    if (c != '"') {
        for (; c != ',' && c != '\n' && c != EOF; c = getchar())
            keep(c);
        *is_null = cell_len == 0;
        return c;
    }
    for (;;) {
        c = getchar();
        if (c == EOF)
            stop("a quote is open");
        if (c == '"' && (c = getchar()) != '"')
            return c;
        keep(c);
    }
}

static void put_text(const char *text, size_t len)
{
    (void)putchar('"');
    for (size_t i = 0; i < len; i++) {
        const unsigned char c = (unsigned char)text[i];

        if (c == '"' || c == '\\')
            (void)printf("\\%c", c);
        else if (c < 0x20)
            (void)printf("\\u%04x", (unsigned)c);
        else
            (void)putchar(c);
    }
    (void)putchar('"');
}

static bool is_number(size_t column)
{
    char *end;

    if (strncmp(names[column], "Metrics.", strlen("Metrics.")) != 0)
        return false;
    cell[cell_len] = '\0';
    (void)strtod(cell, &end);
    return cell_len > 0 && *end == '\0';
}

static void put_member(size_t column, bool is_first)
{
    if (column >= name_count)
        stop("more cells than names");
    if (!is_first)
        (void)putchar(',');
    put_text(names[column], strlen(names[column]));
    (void)putchar(':');
    if (is_number(column))
        (void)fwrite(cell, 1, cell_len, stdout);
    else
        put_text(cell, cell_len);
}

static void read_header(void)
{
    bool is_null;
    int end;

    do {
        end = read_cell(&is_null);
        if (name_count == COLUMNS_MAX)
            stop("too many columns");
        cell[cell_len] = '\0';
        names[name_count] = strdup(cell);
        if (names[name_count++] == NULL)
            stop("out of memory");
    } while (end == ',');
}

int main(void)
{
    read_header();
    for (;;) {
        bool is_null;
        bool is_first = true;
        int end = read_cell(&is_null);

        if (end == EOF && is_null)
            break;
        (void)putchar('{');
        for (size_t column = 0;; column++) {
            if (!is_null)
                put_member(column, is_first);
            is_first = is_first && is_null;
            if (end != ',')
                break;
            end = read_cell(&is_null);
        }
        (void)printf("}\n");
    }
    return fflush(stdout) == 0 && !ferror(stdout) ? 0 : 1;
}
