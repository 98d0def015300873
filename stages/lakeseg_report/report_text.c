/* A run's report for a terminal. */
#include <string.h>

#include "stages/lakeseg_report/change.h"
#include "stages/lakeseg_report/glyph.h"
#include "stages/lakeseg_report/text.h"
#include "stages/lakeseg_report/words.h"

#define LABEL 26
#define NUMBER 13
#define PERCENT 8
#define EXAMPLES 2
#define KEY 32

/* What a line leaves for a bar. */
static size_t bar_columns(const struct text *t)
{
    const size_t taken = 2 + LABEL + 1 + NUMBER + 1 + PERCENT + 2;

    return t->width > taken + 4 ? t->width - taken : 4;
}

static void line(struct text *t, const char *label, size_t len, int64_t count,
                 int64_t whole)
{
    char text[WORDS_LEN];

    text_put(t, "  ");
    text_cell(t, label, len, LABEL);
    words_count(count, text);
    text_put(t, " ");
    text_right(t, text, NUMBER);
    words_percent(count, whole, text);
    text_put(t, " ");
    text_right(t, text, PERCENT);
    text_put(t, "  ");
    text_bar(t, count, whole, bar_columns(t));
    text_put(t, "\n");
}

static void heading(struct text *t, const char *title)
{
    text_putf(t, "\n%s\n", title);
}

static void top(struct text *t, const struct report_run *run)
{
    PL_AUTO(pl_buf) said = PL_BUF_INIT;
    const struct report_failure *f = &run->failure;
    char when[WORDS_LEN];

    if (*run->name != '\0')
        text_wrapped(t, run->name, 0);
    text_put(t, "run ");
    text_cell(t, run->id, strlen(run->id),
              strlen(run->id) < 30 ? strlen(run->id) : 30);
    if (run->started_ms >= 0) {
        words_time(run->started_ms, when);
        text_putf(t, ", started %s", when);
    }
    text_put(t, "\n\n");
    if (t->err.code != PL_OK || report_verdict(run, &said, &t->err) != 0)
        return;
    text_wrapped(t, said.data, 0);
    if (f->name == NULL)
        return;
    text_put(t, "\nWhose it is to mend:\n");
    text_wrapped(t, f->advice->who, 2);
    text_put(t, "What to do next:\n");
    text_wrapped(t, f->advice->next, 2);
    pl_buf_reset(&said);
    if (pl_buf_addf(&said, &t->err, "%s in %s: ", f->name, f->stage) != 0 ||
        report_message(run, t->show_values, &said, &t->err) != 0)
        return;
    text_put(t, "What was said:\n");
    text_wrapped(t, said.data, 2);
}

static void flow(struct text *t, const struct report_run *run)
{
    const struct report_rows *r = &run->rows;
    const struct {
        const char *label;
        int64_t count;
        bool is_always;
    } parts[] = {{"rows of the query", r->in, true},
                 {"- rejected", r->rejected, true},
                 {"- identical duplicates", r->dropped, false},
                 {"- merged into others", r->merged, false},
                 {"- unchanged", r->unchanged, false},
                 {"= written", r->out, true},
                 {"processed there", run->processed, true},
                 {"failed there", run->failed, false}};

    if (r->in < 0)
        return;
    heading(t, "Flow");
    for (size_t i = 0; i < PL_COUNT(parts); i++)
        if (parts[i].count > 0 || (parts[i].is_always && parts[i].count == 0))
            line(t, parts[i].label, strlen(parts[i].label), parts[i].count,
                 r->in);
    if (report_rows_sum(r) != r->in)
        text_put(t, "  The counts do not add up.\n");
}

static void stages(struct text *t, const struct report_run *run)
{
    int64_t whole = 0;
    char text[WORDS_LEN];

    if (run->stage_count == 0)
        return;
    heading(t, "Time");
    for (size_t i = 0; i < run->stage_count; i++)
        whole += run->stages[i].ended_ms > run->stages[i].started_ms
                     ? run->stages[i].ended_ms - run->stages[i].started_ms
                     : 0;
    for (size_t i = 0; i < run->stage_count; i++) {
        const struct report_stage *s = &run->stages[i];
        const int64_t took = s->ended_ms - s->started_ms;

        text_put(t, "  ");
        text_cell(t, s->name, strlen(s->name), LABEL);
        words_duration(took, text);
        text_put(t, " ");
        text_right(t, text, NUMBER);
        text_put(t, " ");
        text_cell(t, s->status, strlen(s->status), PERCENT + 2);
        text_bar(t, took, whole, bar_columns(t));
        text_put(t, "\n");
    }
}

/* A value, or its shape. */
static void value(struct text *t, const struct report_text *v)
{
    char shape[KEY + 1];
    size_t n = 0;

    if (t->show_values) {
        text_cell(t, v->data, v->len, v->len < KEY ? v->len : KEY);
        return;
    }
    for (size_t at = 0; at < v->len && n < KEY;) {
        uint32_t code;

        at += glyph_next(v->data + at, v->len - at, &code);
        shape[n++] = glyph_mask(code);
    }
    text_cell(t, shape, n, n < KEY ? n : KEY);
}

static void example(struct text *t, const struct report_reject *r)
{
    PL_AUTO(pl_buf) words = PL_BUF_INIT;

    text_putf(t, "    record %lld", (long long)r->record);
    if (r->key.data != NULL) {
        text_put(t, ", key ");
        value(t, &r->key);
    }
    text_put(t, "\n");
    if (t->err.code != PL_OK)
        return;
    if (r->column.data != NULL &&
        pl_buf_addf(&words, &t->err, "%.60s: ", r->column.data) != 0)
        return;
    if (pl_buf_addf(&words, &t->err, "%.200s",
                    r->detail.data != NULL ? r->detail.data : "") != 0)
        return;
    if (words.len > 0)
        text_wrapped(t, words.data, 6);
}

static void rejects(struct text *t, const struct report_view *view)
{
    const struct report_run *run = view->run;
    const struct report_rejects *r = view->rejects;

    if (run->rows.rejected <= 0)
        return;
    heading(t, "Rejects");
    for (size_t i = 0; i < run->rule_count; i++) {
        const struct report_rule *rule = &run->rules[i];
        size_t shown = 0;

        line(t, rule->name, strlen(rule->name), rule->count,
             run->rows.rejected);
        for (size_t k = 0; k < r->count && shown < EXAMPLES; k++)
            if (r->list[k].rule.len == strlen(rule->name) &&
                memcmp(r->list[k].rule.data, rule->name, r->list[k].rule.len) ==
                    0) {
                example(t, &r->list[k]);
                shown++;
            }
    }
    if (r->uri != NULL) {
        text_put(t, "  All of them:\n");
        text_wrapped(t, r->uri, 2);
    }
    if (r->trouble[0] != '\0')
        text_wrapped(t, r->trouble, 2);
}

static void columns(struct text *t, const struct report_run *run)
{
    char text[WORDS_LEN];

    if (run->column_count == 0)
        return;
    heading(t, "Columns of the rows written: filled, different, longest");
    for (size_t i = 0; i < run->column_count; i++) {
        const struct report_column *c = &run->columns[i];
        const int64_t all = (c->filled > 0 ? c->filled : 0) +
                            (c->null > 0 ? c->null : 0) +
                            (c->empty > 0 ? c->empty : 0);

        text_put(t, "  ");
        text_cell(t, c->name, c->name_len, LABEL);
        words_percent(c->filled, all, text);
        text_right(t, text, PERCENT + 1);
        words_count(c->distinct, text);
        text_right(t, c->is_estimate ? "~" : "", 2);
        text_right(t, text, NUMBER - 3);
        words_count(c->longest, text);
        text_right(t, text, PERCENT - 2);
        text_put(t, "  ");
        text_bar(t, c->filled, all, bar_columns(t) - 4);
        text_put(t, "\n");
    }
}

static void change(struct text *t, const struct report_view *view)
{
    struct changes changes;

    if (view->before == NULL)
        return;
    changes_find(view->before, view->run, &changes);
    heading(t, "Change since the last successful run: before, now, by");
    for (size_t i = 0; i < changes.count; i++) {
        const struct change *c = &changes.list[i];
        char words[CHANGE_WORDS][WORDS_LEN];
        char label[160];

        change_words(c, words);
        (void)snprintf(label, sizeof(label), "%s%s%.100s", c->label,
                       c->name != NULL ? " " : "",
                       c->name != NULL ? c->name : "");
        text_put(t, "  ");
        text_cell(t, label, strlen(label), LABEL);
        for (size_t k = 0; k < CHANGE_WORDS; k++) {
            text_put(t, " ");
            text_right(t, words[k], NUMBER - 1);
        }
        text_put(t, "\n");
    }
}

static void delta(struct text *t, const struct report_delta *d)
{
    const struct {
        const char *word;
        int64_t count;
    } parts[] = {{"new", d->added},
                 {"changed", d->changed},
                 {"unchanged", d->unchanged},
                 {"gone", d->gone}};
    char text[WORDS_LEN];

    if (d->last_run == NULL)
        return;
    heading(t, "Row by row against the last run");
    for (size_t i = 0; i < PL_COUNT(parts); i++) {
        if (parts[i].count < 0)
            continue;
        words_count(parts[i].count, text);
        text_put(t, "  ");
        text_cell(t, parts[i].word, strlen(parts[i].word), LABEL);
        text_put(t, " ");
        text_right(t, text, NUMBER);
        text_put(t, "\n");
    }
}

static void cost(struct text *t, const struct report_query *q)
{
    char text[WORDS_LEN];
    char price[WORDS_LEN];

    if (q->scanned_bytes < 0)
        return;
    heading(t, "Cost");
    words_bytes(q->scanned_bytes, text);
    text_putf(t, "  %s scanned", text);
    if (q->cost >= 0 && q->price_per_tb >= 0) {
        words_cost(q->cost, text);
        words_cost(q->price_per_tb, price);
        text_putf(t, ": an estimate of %s, at %s a TB", text, price);
    }
    text_put(t, "\n");
}

void report_text(struct text *t, const struct report_view *view)
{
    top(t, view->run);
    flow(t, view->run);
    stages(t, view->run);
    rejects(t, view);
    columns(t, view->run);
    change(t, view);
    delta(t, &view->run->delta);
    cost(t, &view->run->query);
}

void history_text(struct text *t, const struct history *history)
{
    int64_t most = 0;
    char text[WORDS_LEN];

    text_wrapped(t, history->job, 0);
    text_put(t, "\n");
    for (size_t i = 0; i < history->count; i++)
        if (history->runs[i].rows_out > most)
            most = history->runs[i].rows_out;
    text_put(t, "  started                       took    written   rejected"
                "  cost\n");
    for (size_t i = history->count; i > 0; i--) {
        const struct history_run *r = &history->runs[i - 1];

        words_time(r->started_ms >= 0 ? r->started_ms : 0, text);
        text_putf(t, "  %.19s  ", r->started_ms >= 0 ? text : "?");
        words_duration(r->duration_ms, text);
        text_right(t, text, 13);
        words_count(r->rows_out, text);
        text_right(t, r->rows_out < 0 ? "-" : text, 11);
        words_count(r->rejected, text);
        text_right(t, r->rejected < 0 ? "-" : text, 11);
        words_cost(r->cost, text);
        text_put(t, "  ");
        text_cell(t, r->cost < 0 ? "-" : text, strlen(r->cost < 0 ? "-" : text),
                  9);
        text_put(t, "\n    ");
        text_bar(t, r->rows_out, most, 12);
        text_putf(t, " %s%s", r->subject, r->error[0] != '\0' ? ": " : "");
        text_cell(t, r->error, strlen(r->error),
                  strlen(r->error) < 20 ? strlen(r->error) : 20);
        text_put(t, "\n");
    }
    if (history->count == 0)
        text_put(t, "  No run of this job is known here.\n");
    if (history->left > 0)
        text_putf(t, "  and %zu older runs\n", history->left);
}
