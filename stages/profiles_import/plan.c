#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "pipeline/base/text.h"
#include "stages/profiles_import/run.h"

#define FIELDS_PATH "validate.result.profile_fields"
#define KEY_PATH "validate.result.key"

/* The service takes no dot in a header (sources 9.4), and the name of a
 * field is made of these. */
static bool is_header(const char *text)
{
    const size_t len = strspn(text, "abcdefghijklmnopqrstuvwxyz"
                                    "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-");

    return len >= 1 && len <= 64 && text[len] == '\0';
}

static int add_field(struct profiles_run *run, const json_t *entry, size_t i,
                     struct pl_err *err)
{
    struct pl_customer_field f = {
        .header = json_string_value(json_object_get(entry, "header")),
        .target = json_string_value(json_object_get(entry, "target")),
        .content_type =
            json_string_value(json_object_get(entry, "content_type"))};

    if (f.header == NULL || f.target == NULL || !is_header(f.header) ||
        !pl_starts_with(f.target, "_profile."))
        return pl_fail(err, PL_MANIFEST_INVALID,
                       "'" FIELDS_PATH "[%zu]' needs a 'header' of letters, "
                       "digits, '_' and '-', and a 'target' '_profile.<field>'",
                       i);
    for (size_t k = 0; k < run->field_count; k++)
        if (strcmp(run->fields[k].header, f.header) == 0)
            return pl_fail(err, PL_MANIFEST_INVALID,
                           "'" FIELDS_PATH "' has column '%s' twice", f.header);
    if (run->field_count == PL_CUSTOMER_FIELDS_MAX)
        return pl_fail(err, PL_MANIFEST_INVALID,
                       "'" FIELDS_PATH "' has more than %d columns",
                       PL_CUSTOMER_FIELDS_MAX);
    run->fields[run->field_count++] = f;
    return 0;
}

static int find_key(struct profiles_run *run, struct pl_err *err)
{
    const char *key = pl_manifest_str(run->m, KEY_PATH);

    for (run->key = 0; key != NULL && run->key < run->field_count; run->key++)
        if (strcmp(run->fields[run->key].header, key) == 0)
            return 0;
    return pl_fail(err, PL_MANIFEST_INVALID,
                   "'" KEY_PATH "' must name the column of '" FIELDS_PATH
                   "' that tells profiles apart");
}

static int find_tag(struct profiles_run *run, struct pl_err *err)
{
    const struct pl_segment *segment = &run->set.segment;

    if (segment->name[0] == '\0')
        return 0;
    for (run->tag = 0; run->tag < run->field_count; run->tag++) {
        const char *target = run->fields[run->tag].target;

        if (pl_starts_with(target, "_profile.Attributes.") &&
            strcmp(target + strlen("_profile.Attributes."), segment->tag) == 0)
            return 0;
    }
    return pl_fail(err, PL_CONFIG_INVALID,
                   "segment '%s' needs a column for the attribute '%.100s', "
                   "which the data does not have: name the segment in the job "
                   "('import.segment.name'), before the file is made",
                   segment->name, segment->tag);
}

static int take_fields(struct profiles_run *run, struct pl_err *err)
{
    const json_t *list = pl_manifest_get(run->m, FIELDS_PATH);
    const json_t *entry;
    size_t i;

    if (!json_is_array(list) || json_array_size(list) == 0)
        return pl_fail(err, PL_MANIFEST_INVALID,
                       "'" FIELDS_PATH "' is missing: run "
                       "csv-validate-normalize with target customer-profiles "
                       "before");
    json_array_foreach(list, i, entry)
    {
        if (add_field(run, entry, i, err) != 0)
            return -1;
    }
    if (find_key(run, err) != 0)
        return -1;
    return find_tag(run, err);
}

static int check_part(const struct pl_data *data, struct pl_err *err)
{
    if (data->rows < 0 || data->bytes < 0)
        return pl_fail(err, PL_MANIFEST_INVALID,
                       "'%s' has no row count or no size: run csv-validate "
                       "before",
                       data->uri);
    if (strcmp(data->format, "csv") != 0 ||
        strcmp(data->compression, "none") != 0)
        return pl_fail(err, PL_CONFIG_INVALID,
                       "'%s' is %s, compression %s: the service takes plain "
                       "CSV",
                       data->uri, data->format, data->compression);
    if (data->bytes >= PL_CUSTOMER_FILE_MAX)
        return pl_fail(err, PL_CONFIG_INVALID,
                       "'%s' has %" PRId64
                       " bytes: an upload takes less than %" PRId64,
                       data->uri, data->bytes, PL_CUSTOMER_FILE_MAX);
    if (data->rows > data->bytes) /* their sum cannot overflow then */
        return pl_fail(err, PL_MANIFEST_INVALID,
                       "'%s' cannot have %" PRId64 " rows in %" PRId64 " bytes",
                       data->uri, data->rows, data->bytes);
    return 0;
}

/* All fields, or those that the entry names. */
static uint64_t fields_of(const struct profiles_run *run, const json_t *entry)
{
    const json_t *columns = json_object_get(entry, "columns");
    uint64_t fields = 0;

    for (size_t f = 0; f < run->field_count; f++) {
        bool is_there = columns == NULL;

        for (size_t i = 0; i < json_array_size(columns); i++) {
            const char *name = json_string_value(json_array_get(columns, i));

            is_there = is_there || (name != NULL &&
                                    strcmp(name, run->fields[f].header) == 0);
        }
        fields |= (uint64_t)is_there << f;
    }
    return fields;
}

static int take_gone(struct profiles_run *run, struct pl_err *err)
{
    for (size_t i = 0; i < run->part_count; i++) {
        struct profiles_part *part = &run->parts[i];
        const json_t *entry =
            json_array_get(pl_manifest_get(run->m, "data"), part->entry);

        part->is_gone = json_is_true(json_object_get(entry, "gone"));
        part->fields = fields_of(run, entry);
        if (!profiles_has_field(part, run->key))
            return pl_fail(err, PL_MANIFEST_INVALID, "'%s' has no column '%s'",
                           part->data.uri, run->fields[run->key].header);
    }
    return 0;
}

static int add_part(struct profiles_run *run, const struct pl_data *data,
                    size_t entry, struct pl_err *err)
{
    const char *id = pl_manifest_str(run->m, "run.id");
    struct profiles_part *list =
        realloc(run->parts, (run->part_count + 1) * sizeof(*list));
    struct profiles_part *part;

    if (list == NULL)
        return pl_fail_memory(err);
    run->parts = list;
    if (check_part(data, err) != 0)
        return -1;
    part = &list[run->part_count];
    memset(part, 0, sizeof(*part));
    part->data = *data;
    part->entry = entry;
    if (strlen(id) > 240)
        return pl_fail(err, PL_CONFIG_INVALID, "'run.id' is too long");
    (void)snprintf(part->name, sizeof(part->name), "%s-p%04zu", id,
                   run->part_count);
    run->part_count++;
    run->rows += data->rows;
    return 0;
}

static int find_parts(struct profiles_run *run, struct pl_err *err)
{
    const int64_t rows_out =
        pl_manifest_int(run->m, "validate.result.rows_out", -1);
    const int64_t gone =
        pl_manifest_int(run->m, "validate.result.rows_gone_sent", 0);
    size_t found = 0;

    for (size_t i = 0; i < pl_manifest_data_count(run->m); i++) {
        struct pl_data data;

        if (pl_manifest_data_get(run->m, i, &data, err) != 0)
            return -1;
        if (strcmp(data.role, "normalized") != 0)
            continue;
        found++;
        if (data.rows != 0 && add_part(run, &data, i, err) != 0)
            return -1;
    }
    if (found == 0)
        return pl_fail(err, PL_MANIFEST_INVALID,
                       "nothing to import: no data with role 'normalized'");
    if (rows_out >= 0 && rows_out != run->rows - gone)
        return pl_fail(err, PL_MANIFEST_INVALID,
                       "counts do not add up: %" PRId64 " rows out, %" PRId64
                       " gone ones, %" PRId64 " in the data",
                       rows_out, gone, run->rows);
    return 0;
}

int profiles_plan(struct profiles_run *run, struct pl_err *err)
{
    if (find_parts(run, err) != 0)
        return -1;
    if (run->part_count == 0)
        return 0;
    return take_fields(run, err) != 0 ? -1 : take_gone(run, err);
}
