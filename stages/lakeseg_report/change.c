#include "stages/lakeseg_report/change.h"

#include <inttypes.h>
#include <string.h>

#include "stages/lakeseg_report/words.h"

static void add(struct changes *c, const char *label, const char *name,
                enum change_unit unit, int64_t before, int64_t now)
{
    if (before < 0 && now < 0)
        return;
    if (c->count == CHANGES_MAX)
        c->left++;
    else
        c->list[c->count++] = (struct change){label, name, unit, before, now};
}

static int64_t rule_count(const struct report_run *run, const char *name)
{
    for (size_t i = 0; i < run->rule_count; i++)
        if (strcmp(run->rules[i].name, name) == 0)
            return run->rules[i].count;
    return 0;
}

static void find_rules(const struct report_run *before,
                       const struct report_run *now, struct changes *c)
{
    for (size_t i = 0; i < now->rule_count; i++) {
        const char *name = now->rules[i].name;
        const int64_t was = rule_count(before, name);

        if (was != now->rules[i].count)
            add(c, "rejected by", name, CHANGE_COUNT, was, now->rules[i].count);
    }
    for (size_t i = 0; i < before->rule_count; i++)
        if (rule_count(now, before->rules[i].name) == 0)
            add(c, "rejected by", before->rules[i].name, CHANGE_COUNT,
                before->rules[i].count, 0);
}

/* Tenths of a percent; -1: no such column, or without rows. */
static int64_t fill_of(const struct report_column *c)
{
    const int64_t all = c->filled + c->null + c->empty;

    return c->filled >= 0 && c->null >= 0 && c->empty >= 0 && all > 0
               ? (int64_t)((double)c->filled * 1000 / (double)all + 0.5)
               : -1;
}

static const struct report_column *column_named(const struct report_run *run,
                                                const char *name, size_t guess)
{
    if (guess < run->column_count &&
        strcmp(run->columns[guess].name, name) == 0)
        return &run->columns[guess];
    for (size_t i = 0; i < run->column_count; i++)
        if (strcmp(run->columns[i].name, name) == 0)
            return &run->columns[i];
    return NULL;
}

static void find_columns(const struct report_run *before,
                         const struct report_run *now, struct changes *c)
{
    for (size_t i = 0; i < now->column_count; i++) {
        const struct report_column *column = &now->columns[i];
        const struct report_column *was = column_named(before, column->name, i);
        const int64_t fill = fill_of(column);
        const int64_t old = was != NULL ? fill_of(was) : -1;

        if (was == NULL)
            add(c, "new column", column->name, CHANGE_PERCENT, -1, fill);
        else if (fill >= 0 && old >= 0 &&
                 (fill - old >= 10 || old - fill >= 10))
            add(c, "filled", column->name, CHANGE_PERCENT, old, fill);
    }
    for (size_t i = 0; i < before->column_count; i++)
        if (column_named(now, before->columns[i].name, i) == NULL)
            add(c, "column gone", before->columns[i].name, CHANGE_PERCENT,
                fill_of(&before->columns[i]), -1);
}

void changes_find(const struct report_run *before, const struct report_run *now,
                  struct changes *c)
{
    c->count = 0;
    c->left = 0;
    add(c, "rows found", NULL, CHANGE_COUNT, before->rows.in, now->rows.in);
    add(c, "rows written", NULL, CHANGE_COUNT, before->rows.out, now->rows.out);
    add(c, "rejected", NULL, CHANGE_COUNT, before->rows.rejected,
        now->rows.rejected);
    add(c, "processed there", NULL, CHANGE_COUNT, before->processed,
        now->processed);
    add(c, "took", NULL, CHANGE_MS, report_duration_ms(before),
        report_duration_ms(now));
    add(c, "scanned", NULL, CHANGE_BYTES, before->query.scanned_bytes,
        now->query.scanned_bytes);
    if (now->rows.in < 0)
        return; /* without rows every rule and column would seem gone */
    find_rules(before, now, c);
    find_columns(before, now, c);
}

static void word(enum change_unit unit, int64_t n, char out[WORDS_LEN])
{
    if (n < 0)
        (void)snprintf(out, WORDS_LEN, "-");
    else if (unit == CHANGE_COUNT)
        words_count(n, out);
    else if (unit == CHANGE_MS)
        words_duration(n, out);
    else if (unit == CHANGE_BYTES)
        words_bytes(n, out);
    else
        (void)snprintf(out, WORDS_LEN, "%" PRId64 ".%" PRId64 " %%", n / 10,
                       n % 10);
}

void change_words(const struct change *c, char out[CHANGE_WORDS][WORDS_LEN])
{
    const int64_t by =
        c->now > c->before ? c->now - c->before : c->before - c->now;
    char text[WORDS_LEN];

    word(c->unit, c->before, out[0]);
    word(c->unit, c->now, out[1]);
    if (c->before < 0 || c->now < 0) {
        (void)snprintf(out[2], WORDS_LEN, "-");
        return;
    }
    word(c->unit, by, text);
    (void)snprintf(out[2], WORDS_LEN, "%s%.40s",
                   c->now > c->before   ? "+"
                   : c->now < c->before ? "-"
                                        : "",
                   by > 0 ? text : "the same");
}
