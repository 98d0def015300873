#include "stages/csv_validate/profiles.h"

#include <string.h>

#include "pipeline/csv/rules.h"

void csv_profiles_release(struct csv_profiles *p)
{
    pl_profile_release(p->profile);
    pl_profile_report_release(&p->report);
    pl_inflate_release(&p->inflate);
    pl_reader_release(&p->reader);
}

static int open_id_map(struct csv_profiles *p, const char *uri,
                       struct pl_aws *aws, struct pl_err *err)
{
    if (uri == NULL)
        return 0;
    if (pl_reader_open(&p->reader, uri, aws, err) != 0)
        return pl_context(err, "import.id_map");
    p->read = pl_reader_source(&p->reader);
    if (pl_inflate_open(&p->inflate, &p->read, err) != 0)
        return pl_context(err, "import.id_map: cannot read '%s'", uri);
    p->id_map = pl_inflate_source(&p->inflate);
    p->cfg.id_map = &p->id_map;
    return 0;
}

static int choose_opt_out(struct csv_profiles *p, const struct pl_manifest *m,
                          struct pl_err *err)
{
    const char *word = pl_manifest_str(m, "validate.rules.opt_out");

    p->cfg.keeps_opted_out = word != NULL && strcmp(word, "attribute") == 0;
    if (word == NULL || p->cfg.keeps_opted_out ||
        strcmp(word, "leave-out") == 0)
        return 0;
    return pl_fail(err, PL_CONFIG_INVALID,
                   "validate.rules.opt_out: '%s' is none of 'leave-out', "
                   "'attribute'",
                   word);
}

/* The attribute by which a segment finds its profiles. */
static int choose_tag(struct csv_profiles *p, const struct pl_manifest *m,
                      struct pl_err *err)
{
    if (pl_manifest_segment(m, NULL, &p->segment, err) != 0)
        return -1;
    if (p->segment.tag[0] != '\0') {
        p->cfg.tag = p->segment.tag;
        p->cfg.tag_value = p->segment.value;
    }
    return 0;
}

/* Rules of endpoints that mean nothing to profiles. */
static int change_rules(struct csv_profiles *p, struct pl_csv_config *csv,
                        struct pl_err *err)
{
    static const enum pl_rule off[] = {PL_RULE_ADDRESS_DUPLICATE,
                                       PL_RULE_USER_ENDPOINTS,
                                       PL_RULE_ENDPOINT_SIZE};

    for (size_t i = 0; i < PL_COUNT(off); i++)
        csv->rules.off |= UINT64_C(1) << off[i];
    if (csv->format != PL_CSV_OUT_CSV)
        return pl_fail(err, PL_CONFIG_INVALID,
                       "format: target customer-profiles takes CSV alone");
    if (csv->rules.empty == PL_CSV_EMPTY_KEEP)
        return pl_fail(err, PL_CONFIG_INVALID,
                       "validate.rules.empty: a profile has no empty values; "
                       "'reject' or 'null'");
    p->limits = csv->limits;
    csv->limits.min_rows = 0;
    csv->limits.max_rows = -1;
    return 0;
}

int csv_profiles_open(struct csv_profiles *p, struct csv_settings *set,
                      struct pl_aws *aws, const struct pl_manifest *m,
                      struct pl_sink *sink, struct pl_err *err)
{
    struct pl_csv_config *csv = &set->csv;

    if (!csv->target->is_profiles)
        return 0;
    p->cfg = (struct pl_profile_config){.target = csv->target,
                                        .mapping = csv->target->mapping,
                                        .temp_dir = csv->temp_dir,
                                        .max_part_bytes = csv->max_part_bytes,
                                        .out = csv->out,
                                        .next_part = csv->next_part,
                                        .part_ctx = csv->part_ctx,
                                        .csv = csv};
    if (choose_opt_out(p, m, err) != 0 || choose_tag(p, m, err) != 0 ||
        change_rules(p, csv, err) != 0 ||
        open_id_map(p, pl_manifest_str(m, "import.id_map"), aws, err) != 0)
        return -1;
    p->profile = pl_profile_open(&p->cfg, err);
    if (p->profile == NULL)
        return -1;
    *sink = pl_profile_sink(p->profile);
    csv->out = sink;
    csv->max_part_bytes = 0;
    csv->place = pl_profile_place;
    csv->place_ctx = p->profile;
    return 0;
}

static void add_rule(struct pl_csv_report *report, enum pl_rule rule,
                     uint64_t count)
{
    report->rules[rule - 1].count += count;
    report->rows_rejected += count;
    report->rows_out -= count;
}

static void count(struct pl_csv_report *report,
                  const struct pl_profile_report *r)
{
    add_rule(report, PL_RULE_KEY_MISSING, r->no_key);
    add_rule(report, PL_RULE_KEY_UNKNOWN, r->unknown_key);
    report->rows_dropped += r->opted_out;
    report->rows_merged += r->merged;
    report->rows_out -= r->opted_out + r->merged;
    report->last_part_rows = r->last_part_rows;
}

int csv_profiles_finish(struct csv_profiles *p, struct pl_csv_config *csv,
                        struct pl_csv_report *report, struct pl_err *err)
{
    struct pl_profile_report *r = &p->report;
    int rc;

    if (p->profile == NULL)
        return 0;
    rc = pl_profile_finish(p->profile, r, err);
    count(report, r);
    if (rc != 0)
        return -1;
    if (p->cfg.id_map != NULL && pl_reader_verify(&p->reader, NULL, err) != 0)
        return pl_context(err, "import.id_map");
    if (report->rows_out != r->profiles)
        return pl_fail(err, PL_INTERNAL_ERROR, "counts do not add up");
    csv->limits = p->limits;
    return pl_csv_check_limits(csv, report, err);
}

static json_t *fields_json(const struct pl_profile_report *r)
{
    json_t *list = json_array();

    for (size_t i = 0; list != NULL && i < r->field_count; i++) {
        const struct pl_place *place = &r->fields[i].place;

        (void)json_array_append_new(
            list,
            json_pack("{s:s, s:s, s:s, s:s, s:I}", "header", place->header,
                      "source", place->source, "target", place->target,
                      "content_type", pl_content_name(place->content), "filled",
                      (json_int_t)r->fields[i].filled));
    }
    return list;
}

int csv_profiles_record(const struct csv_profiles *p, struct pl_manifest *m,
                        struct pl_err *err)
{
    const struct pl_profile_report *r = &p->report;
    json_t *dropped;

    if (r->field_count == 0)
        return 0;
    dropped = json_object();
    for (size_t i = 0; dropped != NULL && i < r->dropped_count; i++)
        (void)json_object_set_new(
            dropped, r->dropped[i].column,
            json_integer((json_int_t)r->dropped[i].values));
    if (pl_manifest_set_new(m, "validate.result.values_dropped", dropped,
                            err) != 0)
        return -1;
    return pl_manifest_set_int(m, "validate.result.rows_opted_out",
                               (int64_t)r->opted_out, err) != 0 ||
                   pl_manifest_set_str(m, "validate.result.key",
                                       r->fields[0].place.header, err) != 0
               ? -1
               : pl_manifest_set_new(m, "validate.result.profile_fields",
                                     fields_json(r), err);
}
