#include "pipeline/base/log.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "pipeline/base/clock.h"
#include "pipeline/base/file.h"
#include "pipeline/base/text.h"

#define BAR_WIDTH 24

static const char *const level_names[] = {"error", "warn", "info", "debug"};

/* The allowed globals: name, level, and what belongs to every line. */
static const char *log_name = "lakeseg";
static enum pl_log_level log_level = PL_LOG_INFO;
static char log_run[64];
static bool is_terminal;
static bool is_drawn;            /* a progress line stands on the terminal */
static int64_t progress_at_ms;   /* when it was last shown */
static int64_t progress_from_ms; /* when this work began */
static const char *progress_what;
static uint64_t progress_rows; /* 0: nobody said */
/* Lines are whole whichever thread writes them. */
static pthread_mutex_t log_lock = PTHREAD_MUTEX_INITIALIZER;

void pl_log_init(const char *name)
{
    const char *level = getenv("LAKESEG_LOG");

    log_name = name;
    is_terminal = isatty(STDERR_FILENO) == 1;
    for (unsigned i = 0; level != NULL && i < PL_COUNT(level_names); i++)
        if (strcmp(level, level_names[i]) == 0)
            log_level = (enum pl_log_level)i;
}

void pl_log_set_run(const char *run_id)
{
    (void)snprintf(log_run, sizeof(log_run), "%s", run_id);
}

void pl_log_set_level(enum pl_log_level level)
{
    log_level = level;
}

const char *pl_log_name(void)
{
    return log_name;
}

/* more: further members, each after a comma, or "". */
static void write_json(enum pl_log_level level, const char *text,
                       const char *more)
{
    PL_AUTO(pl_buf) line = PL_BUF_INIT;
    struct pl_err err = {0};
    char now[PL_TIME_LEN];

    pl_time_iso(pl_now_ms(&pl_clock_real), now);
    if (pl_buf_addf(&line, &err,
                    "{\"time\":\"%s\",\"level\":\"%s\","
                    "\"stage\":\"%s\",",
                    now, level_names[level], log_name) != 0 ||
        (log_run[0] != '\0' &&
         pl_buf_addf(&line, &err, "\"run\":\"%s\",", log_run) != 0) ||
        pl_buf_adds(&line, "\"message\":", &err) != 0 ||
        pl_json_quote(&line, text, strlen(text), &err) != 0 ||
        pl_buf_addf(&line, &err, "%s}\n", more) != 0 ||
        pl_fd_write_all(STDERR_FILENO, line.data, line.len, &err) != 0)
        return; /* nobody left to tell */
}

/* Needs the lock. */
static void clear_drawn(void)
{
    if (is_drawn)
        (void)fputs("\r\033[K", stderr);
    is_drawn = false;
}

static void emit(enum pl_log_level level, const char *fmt, va_list ap)
    __attribute__((format(printf, 2, 0)));

static void emit(enum pl_log_level level, const char *fmt, va_list ap)
{
    char text[2048];

    if (level > log_level)
        return;
    (void)vsnprintf(text, sizeof(text), fmt, ap);
    (void)pthread_mutex_lock(&log_lock);
    clear_drawn();
    if (is_terminal)
        (void)fprintf(stderr, "%s: %s%s\n", log_name,
                      level == PL_LOG_WARN ? "warning: " : "", text);
    else
        write_json(level, text, "");
    (void)pthread_mutex_unlock(&log_lock);
}

void pl_error(const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    emit(PL_LOG_ERROR, fmt, ap);
    va_end(ap);
}

void pl_warn(const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    emit(PL_LOG_WARN, fmt, ap);
    va_end(ap);
}

void pl_info(const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    emit(PL_LOG_INFO, fmt, ap);
    va_end(ap);
}

void pl_debug(const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    emit(PL_LOG_DEBUG, fmt, ap);
    va_end(ap);
}

/* Seconds until it ends at the rate so far; -1 unknown. */
static int64_t seconds_left(uint64_t done, uint64_t total, uint64_t rate)
{
    return total > 0 && rate > 0 && done <= total
               ? (int64_t)((total - done) / rate)
               : -1;
}

static void draw(const char *what, uint64_t done, uint64_t total,
                 const char *unit, uint64_t rate)
{
    const int64_t left = seconds_left(done, total, rate);
    char bar[BAR_WIDTH + 1];
    char end[32] = "";

    (void)memset(bar, ' ', BAR_WIDTH);
    bar[BAR_WIDTH] = '\0';
    for (uint64_t i = 0; total > 0 && i < BAR_WIDTH; i++)
        if (i * total < done * BAR_WIDTH)
            bar[i] = '#';
    if (left >= 0)
        (void)snprintf(end, sizeof(end), ", %" PRId64 ":%02d left", left / 60,
                       (int)(left % 60));
    (void)fprintf(stderr, "\r\033[K%s: %s ", log_name, what);
    if (total > 0)
        (void)fprintf(stderr, "[%s] %d%% ", bar, (int)(done * 100 / total));
    (void)fprintf(stderr, "%" PRIu64 " %s, %" PRIu64 "/s%s", done, unit, rate,
                  end);
    is_drawn = true;
}

static void write_progress(const char *what, uint64_t done, uint64_t total,
                           const char *unit, uint64_t rate)
{
    const int64_t left = seconds_left(done, total, rate);
    char text[256];
    char of[32] = "";
    char rows[40] = "";
    char more[320];

    if (progress_rows > 0)
        (void)snprintf(rows, sizeof(rows), ",\"rows\":%" PRIu64, progress_rows);
    if (total > 0)
        (void)snprintf(of, sizeof(of), " of %" PRIu64, total);
    (void)snprintf(text, sizeof(text), "%s: %" PRIu64 "%s %s", what, done, of,
                   unit);
    (void)snprintf(more, sizeof(more),
                   ",\"progress\":{\"done\":%" PRIu64 ",\"total\":%" PRId64
                   ",\"unit\":\"%s\",\"per_second\":%" PRIu64
                   ",\"seconds_left\":%" PRId64 "%s}",
                   done, total > 0 ? (int64_t)total : -1, unit, rate, left,
                   rows);
    write_json(PL_LOG_INFO, text, more);
}

static int64_t pause_ms(void)
{
    const char *seconds = getenv("LAKESEG_PROGRESS_SECONDS");
    const char *how = getenv("LAKESEG_PROGRESS");
    uint64_t n = 0;

    if (is_terminal)
        return 100;
    if (how != NULL && strcmp(how, "json") == 0)
        return 200;
    return seconds != NULL && pl_parse_u64(seconds, &n) == 0 && n > 0 &&
                   n <= 86400
               ? (int64_t)n * 1000
               : 10000;
}

void pl_progress(const char *what, uint64_t done, uint64_t total,
                 const char *unit)
{
    const int64_t now = pl_mono_ms(&pl_clock_real);
    uint64_t rate;

    if (log_level < PL_LOG_INFO)
        return;
    if (progress_what != what) {
        progress_what = what;
        progress_from_ms = now;
        if (!is_terminal)
            progress_at_ms = now; /* short work stays silent in a log */
    }
    if (now - progress_at_ms < pause_ms())
        return;
    progress_at_ms = now;
    rate = now > progress_from_ms
               ? done * 1000 / (uint64_t)(now - progress_from_ms)
               : 0;
    (void)pthread_mutex_lock(&log_lock);
    if (is_terminal)
        draw(what, done, total, unit, rate);
    else
        write_progress(what, done, total, unit, rate);
    (void)pthread_mutex_unlock(&log_lock);
}

void pl_progress_rows(uint64_t rows)
{
    progress_rows = rows;
}

void pl_progress_end(void)
{
    progress_what = NULL;
    progress_rows = 0;
    (void)pthread_mutex_lock(&log_lock);
    clear_drawn();
    (void)pthread_mutex_unlock(&log_lock);
}
