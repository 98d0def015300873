#include "stages/lakeseg_run/view.h"

#include <inttypes.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "pipeline/base/clock.h"
#include "pipeline/base/opts.h"
#include "pipeline/base/text.h"

#define DRAW_MS 100
#define COLUMNS_DEFAULT 80
#define STATE_AT 25 /* column of the state: behind the stage's name */

static const struct {
    const char *state;
    const char *color;
} colors[] = {
    {"running", "\033[36m"}, {"succeeded", "\033[32m"}, {"failed", "\033[31m"},
    {"stopped", "\033[33m"}, {"warning", "\033[33m"},   {"error", "\033[31m"},
};

static int columns_now(void)
{
    const char *text = pl_env("COLUMNS");
    struct winsize size = {0};
    uint64_t n = 0;

    if (ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0)
        return size.ws_col;
    return text != NULL && pl_parse_u64(text, &n) == 0 && n > 0 && n < 10000
               ? (int)n
               : COLUMNS_DEFAULT;
}

int run_view_open(struct run_view *view, const char *color, bool is_quiet,
                  struct pl_err *err)
{
    static const char *const words[] = {"auto", "always", "never"};
    const char *term = pl_env("TERM");

    memset(view, 0, sizeof(*view));
    if (color == NULL)
        color = "auto";
    if (!pl_is_one_of(color, words, PL_COUNT(words)))
        return pl_fail(err, PL_USAGE_INVALID,
                       "--color '%s' is none of auto, always, never", color);
    view->is_live = !is_quiet && isatty(STDERR_FILENO) == 1 &&
                    (term == NULL || strcmp(term, "dumb") != 0);
    view->is_colored =
        strcmp(color, "always") == 0 ||
        (strcmp(color, "auto") == 0 && pl_env("NO_COLOR") == NULL);
    view->columns = columns_now();
    return 0;
}

/* "1234", "12.3 k", "4.5 MB": short, and right to three digits. unit: "B", or
 * a word with a blank before it. */
static int add_count(struct pl_buf *out, int64_t n, const char *unit,
                     struct pl_err *err)
{
    static const char *const steps[] = {"", "k", "M", "G", "T", "P"};
    double value = (double)n;
    size_t i = 0;

    while (value >= (i == 0 ? 9999.5 : 999.95) && i + 1 < PL_COUNT(steps)) {
        value /= 1000;
        i++;
    }
    return pl_buf_addf(out, err, "%.*f%s%s%s", i == 0 ? 0 : 1, value,
                       i > 0 || *unit == 'B' ? " " : "", steps[i], unit);
}

static int add_progress(const struct run_view *view, struct pl_buf *out,
                        struct pl_err *err)
{
    if (view->rows > 0 && (pl_buf_adds(out, "  ", err) != 0 ||
                           add_count(out, view->rows, " rows", err) != 0))
        return -1;
    if (pl_buf_adds(out, "  ", err) != 0 ||
        add_count(out, view->done, view->total > 0 ? "" : view->unit, err) != 0)
        return -1;
    if (view->total > 0 && (pl_buf_adds(out, " of ", err) != 0 ||
                            add_count(out, view->total, view->unit, err) != 0))
        return -1;
    if (view->rate > 0 && (pl_buf_adds(out, "  ", err) != 0 ||
                           add_count(out, view->rate, view->unit, err) != 0 ||
                           pl_buf_adds(out, "/s", err) != 0))
        return -1;
    if (view->left_s >= 0)
        return pl_buf_addf(out, err, "  %" PRId64 ":%02d left",
                           view->left_s / 60, (int)(view->left_s % 60));
    return 0;
}

static void cut(struct pl_buf *out, int columns)
{
    const size_t most = columns > 1 ? (size_t)columns - 1 : 1;

    if (out->len > most) {
        out->len = pl_utf8_valid_len(out->data, most);
        out->data[out->len] = '\0';
    }
}

int run_view_text(const struct run_view *view, int64_t now_ms,
                  struct pl_buf *out, struct pl_err *err)
{
    if (pl_buf_addf(out, err, "%-24s %-10s %7.1f s", view->stage, "running",
                    (double)(now_ms - view->began_ms) / 1000) != 0)
        return -1;
    if (view->done >= 0 && add_progress(view, out, err) != 0)
        return -1;
    if (view->what[0] != '\0' && pl_buf_addf(out, err, "  %s", view->what) != 0)
        return -1;
    cut(out, view->columns);
    return 0;
}

static const char *color_of(const char *state)
{
    for (size_t i = 0; i < PL_COUNT(colors); i++)
        if (strcmp(colors[i].state, state) == 0)
            return colors[i].color;
    return "";
}

/* Writes a line whose state stands at STATE_AT. */
static void write_line(const struct run_view *view, const char *text,
                       const char *state, const char *end)
{
    const size_t len = strlen(text);
    const size_t width = strlen(state);

    if (!view->is_colored || len < STATE_AT + width)
        (void)fprintf(stderr, "\r\033[K%s%s", text, end);
    else
        (void)fprintf(stderr, "\r\033[K%.*s%s%s\033[0m%s%s", STATE_AT, text,
                      color_of(state), state, text + STATE_AT + width, end);
    (void)fflush(stderr);
}

static void draw(struct run_view *view, int64_t now)
{
    PL_AUTO(pl_buf) text = PL_BUF_INIT;
    struct pl_err ignored = {0};

    view->drawn_ms = now;
    view->columns = columns_now();
    if (run_view_text(view, now, &text, &ignored) == 0)
        write_line(view, text.data, "running", "");
}

void run_view_begin(struct run_view *view, const char *stage)
{
    if (view == NULL || !view->is_live)
        return;
    (void)snprintf(view->stage, sizeof(view->stage), "%s", stage);
    view->what[0] = '\0';
    view->began_ms = pl_mono_ms(&pl_clock_real);
    view->done = -1;
    view->rows = 0;
    draw(view, view->began_ms);
}

void run_view_tick(void *ctx)
{
    struct run_view *view = ctx;
    const int64_t now = pl_mono_ms(&pl_clock_real);

    if (now - view->drawn_ms >= DRAW_MS)
        draw(view, now);
}

static int64_t int_of(const json_t *object, const char *key)
{
    const json_t *value = json_object_get(object, key);

    return json_is_integer(value) ? (int64_t)json_integer_value(value) : -1;
}

static void note_progress(struct run_view *view, const json_t *progress,
                          const char *message)
{
    const char *unit = json_string_value(json_object_get(progress, "unit"));
    const size_t what = message != NULL ? strcspn(message, ":") : 0;

    view->done = int_of(progress, "done");
    view->total = int_of(progress, "total");
    view->rate = int_of(progress, "per_second");
    view->left_s = int_of(progress, "seconds_left");
    view->rows = int_of(progress, "rows");
    if (unit != NULL && strcmp(unit, "bytes") == 0)
        (void)snprintf(view->unit, sizeof(view->unit), "B");
    else
        (void)snprintf(view->unit, sizeof(view->unit), " %s",
                       unit != NULL ? unit : "");
    (void)snprintf(view->what, sizeof(view->what), "%.*s", (int)what,
                   message != NULL ? message : "");
}

/* Nothing that a terminal would obey. */
static void print_plain(const char *text, size_t len)
{
    for (size_t i = 0; i < len; i++)
        (void)fputc((unsigned char)text[i] < ' ' || text[i] == 0x7f ? '?'
                                                                    : text[i],
                    stderr);
    (void)fputc('\n', stderr);
}

static void print_message(const struct run_view *view, const json_t *line)
{
    const char *level = json_string_value(json_object_get(line, "level"));
    const char *stage = json_string_value(json_object_get(line, "stage"));
    const char *message = json_string_value(json_object_get(line, "message"));
    const bool is_loud = level != NULL && (strcmp(level, "warn") == 0 ||
                                           strcmp(level, "error") == 0);

    (void)fputs("\r\033[K", stderr);
    if (is_loud && view->is_colored)
        (void)fputs(color_of("warning"), stderr);
    (void)fprintf(stderr, "%s: ", stage != NULL ? stage : view->stage);
    if (is_loud && view->is_colored)
        (void)fputs("\033[0m", stderr);
    print_plain(message, strlen(message));
}

void run_view_line(void *ctx, const char *text, size_t len)
{
    struct run_view *view = ctx;
    json_t *line = json_loadb(text, len, 0, NULL);
    const char *message = json_string_value(json_object_get(line, "message"));
    const json_t *progress = json_object_get(line, "progress");

    if (json_is_object(progress)) {
        note_progress(view, progress, message);
    } else if (message != NULL) {
        print_message(view, line);
        draw(view, pl_mono_ms(&pl_clock_real));
    } else {
        (void)fputs("\r\033[K", stderr);
        print_plain(text, len);
    }
    json_decref(line);
}

static int add_jobs(const struct pl_manifest *m, struct pl_buf *out,
                    struct pl_err *err)
{
    const json_t *job;
    int64_t processed = 0;
    int64_t failed = 0;
    size_t i;

    json_array_foreach(pl_manifest_get(m, "import.result.jobs"), i, job)
    {
        processed +=
            int_of(job, "processed") > 0 ? int_of(job, "processed") : 0;
        failed += int_of(job, "failed") > 0 ? int_of(job, "failed") : 0;
    }
    return pl_buf_addf(out, err,
                       "%" PRId64 " rows processed, %" PRId64 " failed",
                       processed, failed);
}

int run_view_figures(const struct pl_manifest *m, const char *stage,
                     struct pl_buf *out, struct pl_err *err)
{
    const int64_t scanned =
        pl_manifest_int(m, "query.result.scanned_bytes", -1);

    if (strcmp(stage, "athena-exec") == 0 && scanned >= 0)
        return add_count(out, scanned, "B scanned", err);
    if (pl_starts_with(stage, "csv-validate") &&
        pl_manifest_get(m, "validate.result") != NULL)
        return pl_buf_addf(
            out, err,
            "%" PRId64 " rows in, %" PRId64 " out, %" PRId64 " rejected",
            pl_manifest_int(m, "validate.result.rows_in", 0),
            pl_manifest_int(m, "validate.result.rows_out", 0),
            pl_manifest_int(m, "validate.result.rows_rejected", 0));
    if (pl_ends_with(stage, "-import") &&
        pl_manifest_get(m, "import.result.jobs") != NULL)
        return add_jobs(m, out, err);
    if (strcmp(stage, "sns-notify") == 0)
        return pl_buf_adds(out, pl_manifest_subject(m), err);
    return 0;
}

/* What the last line of stages[] says. */
static const char *state_of(const struct pl_manifest *m)
{
    const json_t *stages = pl_manifest_get(m, "stages");
    const json_t *last = json_array_get(
        stages, json_array_size(stages) > 0 ? json_array_size(stages) - 1 : 0);
    const char *state = json_string_value(json_object_get(last, "status"));

    return state != NULL ? state : "failed";
}

void run_view_end(struct run_view *view, const struct pl_manifest *m,
                  const char *state)
{
    PL_AUTO(pl_buf) text = PL_BUF_INIT;
    struct pl_err ignored = {0};
    int64_t ms;

    if (view == NULL || !view->is_live)
        return;
    if (state == NULL)
        state = state_of(m);
    ms = pl_mono_ms(&pl_clock_real) - view->began_ms;
    if (pl_buf_addf(&text, &ignored, "%-24s %-10s %7.1f s  ", view->stage,
                    state, (double)ms / 1000) != 0 ||
        run_view_figures(m, view->stage, &text, &ignored) != 0)
        return;
    cut(&text, view->columns);
    write_line(view, text.data, state, "\n");
    view->stage[0] = '\0';
}
