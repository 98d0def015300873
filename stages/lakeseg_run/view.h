/*
 * view.h - what a person sees of a run: on a terminal a live line for the
 * stage that works, and a line for each that has ended; elsewhere nothing,
 * since every program writes its own log there.
 */
#ifndef LAKESEG_RUN_VIEW_H
#define LAKESEG_RUN_VIEW_H

#include "pipeline/manifest/manifest.h"

struct run_view {
    bool is_live;    /* standard error is drawn on */
    bool is_colored; /* with colours */
    int columns;     /* of the terminal; looked at again when drawing */
    char stage[64];  /* the one that works; "": none */
    char what[64];   /* in its own words */
    char unit[24];
    int64_t began_ms;
    int64_t drawn_ms;
    int64_t done; /* -1: it said nothing yet */
    int64_t total;
    int64_t rows;
    int64_t rate;
    int64_t left_s;
};

/* color: "auto", "always", "never". PL_USAGE_INVALID for another word. */
int run_view_open(struct run_view *view, const char *color, bool is_quiet,
                  struct pl_err *err) PL_MUST_CHECK;

/* view NULL or not live: nothing is drawn. */
void run_view_begin(struct run_view *view, const char *stage);
/* A line of the stage's standard error; ctx: the view. */
void run_view_line(void *ctx, const char *text, size_t len);
/* Draws, when it is time. */
void run_view_tick(void *ctx);
/* state: NULL says what m says of the stage. */
void run_view_end(struct run_view *view, const struct pl_manifest *m,
                  const char *state);

/* Appends the live line as text without colours, at most columns wide. Pure:
 * now_ms is of the clock that never goes back. */
int run_view_text(const struct run_view *view, int64_t now_ms,
                  struct pl_buf *out, struct pl_err *err) PL_MUST_CHECK;
/* Appends what a stage achieved, as m tells: "3 rows in, 2 out, 1 rejected";
 * nothing when m does not tell. */
int run_view_figures(const struct pl_manifest *m, const char *stage,
                     struct pl_buf *out, struct pl_err *err) PL_MUST_CHECK;

#endif
