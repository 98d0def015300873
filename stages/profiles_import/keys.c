#include <inttypes.h>
#include <string.h>

#include "pipeline/base/log.h"
#include "pipeline/target/mapping.h"
#include "stages/profiles_import/run.h"

const char *profiles_search_key(const struct profiles_run *run)
{
    const struct pl_key_field *key = pl_key_field_by_name(
        run->fields[run->key].target + strlen("_profile."));

    return key != NULL ? key->search : NULL;
}

static int record(struct profiles_run *run, int64_t unknown, struct pl_err *err)
{
    return pl_manifest_set_new(run->m, "import.result.keys",
                               json_pack("{s:I,s:I}", "sampled",
                                         (json_int_t)run->key_count, "unknown",
                                         (json_int_t)unknown),
                               err);
}

int profiles_look_up(struct profiles_run *run, struct pl_err *err)
{
    const char *key = profiles_search_key(run);
    int64_t unknown = 0;

    if (key == NULL) {
        pl_warn("the keys cannot be looked up: nothing searches by '%s'",
                run->fields[run->key].target);
        return 0;
    }
    for (size_t i = 0; i < run->key_count; i++) {
        bool found = false;

        if (pl_customer_has_profile(&run->customer, key, run->keys[i], &found,
                                    err) != 0)
            return pl_context(err, "cannot look up the keys of the data");
        unknown += found ? 0 : 1;
    }
    if (record(run, unknown, err) != 0)
        return -1;
    pl_info("%" PRId64 " of %zu sampled keys are of no profile", unknown,
            run->key_count);
    if ((double)unknown * 100.0 <=
        run->set.max_unknown_percent * (double)run->key_count)
        return 0;
    return pl_fail(err, PL_DATA_INVALID,
                   "%" PRId64 " of %zu sampled keys (column '%s') are of no "
                   "profile in domain '%s': is it the right key? "
                   "'import.max_unknown_keys_percent' allows %g, and 100 a "
                   "first import",
                   unknown, run->key_count, run->fields[run->key].header,
                   run->set.domain, run->set.max_unknown_percent);
}
