#include "pipeline/base/log.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "pipeline/base/clock.h"
#include "pipeline/base/file.h"
#include "pipeline/base/text.h"

static const char *const level_names[] = {"error", "warn", "info", "debug"};

/* The allowed globals: name, level, and what belongs to every line. */
static const char *log_name = "lakeseg";
static enum pl_log_level log_level = PL_LOG_INFO;
static char log_run[64];
static bool is_terminal;
static bool is_drawn; /* a progress line stands on the terminal */
static int64_t progress_at_ms;

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

static void write_json(enum pl_log_level level, const char *text)
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
        pl_buf_adds(&line, "}\n", &err) != 0 ||
        pl_fd_write_all(STDERR_FILENO, line.data, line.len, &err) != 0)
        return; /* nobody left to tell */
}

static void emit(enum pl_log_level level, const char *fmt, va_list ap)
    __attribute__((format(printf, 2, 0)));

static void emit(enum pl_log_level level, const char *fmt, va_list ap)
{
    char text[2048];

    if (level > log_level)
        return;
    (void)vsnprintf(text, sizeof(text), fmt, ap);
    pl_progress_end();
    if (!is_terminal) {
        write_json(level, text);
        return;
    }
    (void)fprintf(stderr, "%s: %s%s\n", log_name,
                  level == PL_LOG_WARN ? "warning: " : "", text);
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

void pl_progress(const char *what, uint64_t done, uint64_t total,
                 const char *unit)
{
    const int64_t now = pl_mono_ms(&pl_clock_real);
    const int64_t pause_ms = is_terminal ? 100 : 10000;
    char of[32] = "";

    if (log_level < PL_LOG_INFO)
        return;
    if (progress_at_ms == 0 && !is_terminal)
        progress_at_ms = now; /* short work stays silent in a log */
    if (now - progress_at_ms < pause_ms)
        return;
    progress_at_ms = now;
    if (total > 0)
        (void)snprintf(of, sizeof(of), " of %llu", (unsigned long long)total);
    if (!is_terminal) {
        pl_info("%s: %llu%s %s", what, (unsigned long long)done, of, unit);
        return;
    }
    (void)fprintf(stderr, "\r\033[K%s: %s: %llu%s %s", log_name, what,
                  (unsigned long long)done, of, unit);
    is_drawn = true;
}

void pl_progress_end(void)
{
    if (!is_drawn) /* the usual case, also from threads: nothing is written */
        return;
    (void)fputs("\r\033[K", stderr);
    is_drawn = false;
}
