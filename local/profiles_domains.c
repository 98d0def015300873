/* Domains: made, changed, listed, gone. */
#include "local/profiles.h"

#include "pipeline/base/clock.h"

#define DOMAINS_MAX 100

void profiles_domain_free(struct local_domain *d)
{
    json_decref(d->about);
    json_decref(d->types);
    json_decref(d->jobs);
    json_decref(d->segments);
    json_decref(d->estimates);
    json_decref(d->snapshots);
    json_decref(d->profiles);
    json_decref(d->index);
    free(d);
}

int profiles_domain_add(struct local *local, const char *name, json_int_t days,
                        struct pl_err *err)
{
    struct local_profiles *p = local->profiles;
    struct local_domain **list = realloc(
        p->domains, (p->domain_count + 1) * sizeof(struct local_domain *));
    struct local_domain *d = calloc(1, sizeof(*d));
    const double now = (double)local_profiles_now_ms(local) / 1000;

    if (list != NULL)
        p->domains = list;
    if (list == NULL || d == NULL) {
        free(d);
        return pl_fail_memory(err);
    }
    (void)snprintf(d->name, sizeof(d->name), "%s", name);
    d->about = json_pack("{s:s,s:I,s:f,s:f}", "DomainName", name,
                         "DefaultExpirationDays", days, "CreatedAt", now,
                         "LastUpdatedAt", now);
    d->types = json_object();
    d->jobs = json_object();
    d->segments = json_object();
    d->estimates = json_object();
    d->snapshots = json_object();
    d->profiles = json_object();
    d->index = json_object();
    d->next_expiry_s = INT64_MAX;
    d->is_changed = true;
    list[p->domain_count++] = d;
    return 0;
}

int profiles_create_domain(struct profiles_call *c, struct pl_err *err)
{
    const json_t *days = json_object_get(c->in, "DefaultExpirationDays");
    struct local_profiles *p = c->local->profiles;

    if (!profiles_is_name(c->parts[0], ""))
        return profiles_bad(c, "DomainName is invalid");
    if (!profiles_are_days(days))
        return profiles_bad(c, "DefaultExpirationDays must be 1 to %d",
                            LOCAL_EXPIRY_DAYS_MAX);
    if (c->domain != NULL)
        return profiles_bad(c, "the domain exists already");
    if (p->domain_count >= DOMAINS_MAX)
        return profiles_bad(c, "there are %d domains already", DOMAINS_MAX);
    if (profiles_domain_add(c->local, c->parts[0], json_integer_value(days),
                            err) != 0)
        return -1;
    return profiles_answer(
        c, json_deep_copy(local_profiles_find(p, c->parts[0])->about), err);
}

int profiles_get_domain(struct profiles_call *c, struct pl_err *err)
{
    json_t *out = json_deep_copy(c->domain->about);
    const json_int_t count = (json_int_t)json_object_size(c->domain->profiles);

    (void)json_object_set_new(out, "Stats",
                              json_pack("{s:I,s:I,s:i,s:i}", "ProfileCount",
                                        count, "MeteringProfileCount", count,
                                        "ObjectCount", 0, "TotalSize", 0));
    return profiles_answer(c, out, err);
}

int profiles_update_domain(struct profiles_call *c, struct pl_err *err)
{
    json_t *days = json_object_get(c->in, "DefaultExpirationDays");

    if (days != NULL && !profiles_are_days(days))
        return profiles_bad(c, "DefaultExpirationDays must be 1 to %d",
                            LOCAL_EXPIRY_DAYS_MAX);
    if (days != NULL)
        (void)json_object_set(c->domain->about, "DefaultExpirationDays", days);
    (void)json_object_set_new(c->domain->about, "LastUpdatedAt",
                              json_integer((json_int_t)c->now_s));
    return profiles_answer(c, json_deep_copy(c->domain->about), err);
}

int profiles_list_domains(struct profiles_call *c, struct pl_err *err)
{
    static const char *const shown[] = {"DomainName", "CreatedAt",
                                        "LastUpdatedAt"};
    struct local_profiles *p = c->local->profiles;
    json_t *all = json_array();

    for (size_t i = 0; i < p->domain_count; i++) {
        json_t *one = json_object();

        for (size_t k = 0; k < PL_COUNT(shown); k++)
            (void)json_object_set(
                one, shown[k], json_object_get(p->domains[i]->about, shown[k]));
        (void)json_array_append_new(all, one);
    }
    return profiles_page(c, all, 100, err);
}

int profiles_delete_domain(struct profiles_call *c, struct pl_err *err)
{
    struct local_profiles *p = c->local->profiles;
    PL_AUTO(pl_buf) path = PL_BUF_INIT;

    if (pl_buf_addf(&path, err, "%s/profiles/%s.json", c->local->state,
                    c->domain->name) != 0)
        return -1;
    (void)remove(path.data);
    for (size_t i = 0; i < p->domain_count; i++)
        if (p->domains[i] == c->domain)
            p->domains[i] = p->domains[--p->domain_count];
    profiles_domain_free(c->domain);
    c->domain = NULL;
    return profiles_answer(c, json_pack("{s:s}", "Message", "OK."), err);
}
