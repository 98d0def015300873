#include "pipeline/csv/header.h"

#include <stdlib.h>
#include <string.h>

#include "pipeline/base/text.h"
#include "pipeline/target/mapping.h"

_Static_assert(sizeof(((struct pl_csv_report *)0)->odd_name) ==
                   sizeof(((struct pl_column *)0)->name),
               "a name fits");

static int take_column(struct pl_csv_plan *plan, struct pl_csv_report *report,
                       size_t i, const struct pl_csv_cell *cell,
                       struct pl_err *err)
{
    const struct pl_csv_rules *rules = &plan->cfg->rules;
    struct pl_csv_shape *shape = &plan->shape;
    struct pl_column *column = &shape->columns[i];
    struct pl_err why = {0};
    int rc = pl_target_column(plan->cfg->target, cell->data, cell->len, column,
                              &why);

    if (rc == 0 && column->kind == PL_COLUMN_EFFECTIVE_DATE &&
        !rules->has_effective_date)
        rc = pl_target_refuse_effective_date(&why);
    if (rc != 0 && rules->unknown_columns != PL_CSV_UNKNOWN_DROP) {
        *err = why;
        return pl_context(err, "header, column %zu", i + 1);
    }
    if (rc != 0) {
        shape->is_dropped[i] = true;
        shape->dropped++;
        (void)snprintf(column->name, sizeof(column->name), "%.*s",
                       (int)(cell->len < 100 ? cell->len : 100), cell->data);
        return 0;
    }
    if (column->is_odd && report->odd_count++ == 0)
        memcpy(report->odd_name, column->name, sizeof(column->name));
    shape->name_lens[i] = strlen(column->name);
    shape->names_len += shape->name_lens[i];
    return 0;
}

static void note_places(const struct pl_target *target,
                        struct pl_csv_shape *shape)
{
    shape->id = shape->channel = shape->address = shape->user_id = shape->key =
        SIZE_MAX;
    for (size_t i = 0; i < shape->count; i++) {
        if (shape->is_dropped[i])
            continue;
        if (shape->columns[i].kind == PL_COLUMN_ID)
            shape->id = i;
        else if (shape->columns[i].kind == PL_COLUMN_CHANNEL)
            shape->channel = i;
        else if (shape->columns[i].kind == PL_COLUMN_ADDRESS)
            shape->address = i;
        else if (shape->columns[i].kind == PL_COLUMN_USER_ID)
            shape->user_id = i;
        if (target->is_profiles && shape->key == SIZE_MAX &&
            pl_ieq(shape->columns[i].name, target->key_column))
            shape->key = i;
    }
}

/* The columns that are written, side by side, for the target's judgement. */
static int check_columns(const struct pl_csv_plan *plan, struct pl_err *err)
{
    const struct pl_csv_shape *shape = &plan->shape;
    struct pl_column *kept = calloc(shape->count, sizeof(*kept));
    size_t count = 0;
    int rc;

    if (kept == NULL)
        return pl_fail_memory(err);
    for (size_t i = 0; i < shape->count; i++)
        if (!shape->is_dropped[i])
            kept[count++] = shape->columns[i];
    rc = pl_target_check(plan->cfg->target, kept, count, err);
    free(kept);
    return rc == 0 ? 0 : pl_context(err, "header");
}

static int check_required(const struct pl_csv_plan *plan, struct pl_err *err)
{
    const struct pl_csv_shape *shape = &plan->shape;
    const char *const *name = plan->cfg->limits.required;

    for (; name != NULL && *name != NULL; name++) {
        bool is_there = false;

        for (size_t i = 0; i < shape->count; i++)
            is_there = is_there || (!shape->is_dropped[i] &&
                                    pl_ieq(shape->columns[i].name, *name));
        if (!is_there)
            return pl_fail(err, PL_DATA_INVALID,
                           "header: column '%s', which the job requires, is "
                           "not there",
                           *name);
    }
    return 0;
}

static bool is_on(const struct pl_csv_plan *plan, enum pl_rule rule)
{
    return (plan->cfg->rules.off & (UINT64_C(1) << rule)) == 0;
}

int pl_csv_take_header(const struct pl_csv_record *record,
                       struct pl_csv_plan *plan, struct pl_csv_report *report,
                       struct pl_buf *head, struct pl_err *err)
{
    struct pl_csv_shape *shape = &plan->shape;

    if (record->is_malformed || record->count == 0)
        return pl_fail(err, PL_DATA_INVALID,
                       record->is_malformed ? "header: malformed quoting"
                                            : "no header: the first line is "
                                              "empty");
    if (pl_utf8_valid_len(record->raw, record->raw_len) != record->raw_len ||
        memchr(record->raw, '\0', record->raw_len) != NULL)
        return pl_fail(err, PL_DATA_INVALID, "header: not UTF-8 text");
    if (record->count > PL_CSV_COLUMNS_MAX)
        return pl_fail(err, PL_DATA_INVALID, "header: more than %d columns",
                       PL_CSV_COLUMNS_MAX);
    shape->columns = calloc(record->count, sizeof(*shape->columns));
    shape->is_dropped = calloc(record->count, sizeof(*shape->is_dropped));
    shape->name_lens = calloc(record->count, sizeof(*shape->name_lens));
    if (shape->columns == NULL || shape->is_dropped == NULL ||
        shape->name_lens == NULL)
        return pl_fail_memory(err);
    shape->count = record->count;
    shape->is_every_limited = plan->cfg->target->is_profiles;
    shape->value_max =
        shape->is_every_limited ? PL_PROFILE_VALUE_MAX : PL_TARGET_VALUE_MAX;
    for (size_t i = 0; i < record->count; i++)
        if (take_column(plan, report, i, &record->cells[i], err) != 0)
            return -1;
    if (check_columns(plan, err) != 0 || check_required(plan, err) != 0)
        return -1;
    note_places(plan->cfg->target, shape);
    plan->has_keys = !plan->cfg->target->is_profiles || shape->id != SIZE_MAX;
    plan->has_addresses = shape->id != SIZE_MAX && shape->channel != SIZE_MAX &&
                          is_on(plan, PL_RULE_ADDRESS_DUPLICATE);
    plan->has_users = shape->user_id != SIZE_MAX &&
                      is_on(plan, PL_RULE_USER_ENDPOINTS) &&
                      (shape->id != SIZE_MAX || shape->channel != SIZE_MAX);
    if (pl_csv_json_plan(shape, &plan->json, err) != 0)
        return -1;
    return pl_csv_write_header(plan->cfg, shape, head, err);
}
