#include "local/endpoint_rules.h"

#include "pipeline/base/text.h"

#define VALUES_MAX 50         /* of one attribute */
#define RECORD_MAX (15 << 10) /* bytes */

struct local_incoming local_incoming_of(const struct local_cell *cells,
                                        size_t count)
{
    struct local_incoming in = {NULL, NULL, NULL, NULL};

    for (size_t i = 0; i < count; i++) {
        if (cells[i].kind == LOCAL_COL_ID)
            in.id = &cells[i];
        else if (cells[i].kind == LOCAL_COL_CHANNEL)
            in.channel = &cells[i];
        else if (cells[i].kind == LOCAL_COL_ADDRESS)
            in.address = &cells[i];
        else if (cells[i].kind == LOCAL_COL_USER_ID)
            in.user = &cells[i];
    }
    return in;
}

bool local_is_push(uint8_t channel)
{
    const char *name = local_channel_name(channel);

    return strcmp(name, "GCM") == 0 || strcmp(name, "ADM") == 0 ||
           strcmp(name, "BAIDU") == 0 || pl_starts_with(name, "APNS");
}

static bool is_full(const struct local_endpoints *all, uint32_t user,
                    uint32_t endpoint)
{
    const struct local_user *u;

    if (user == LOCAL_NO_TEXT)
        return false;
    u = &all->users[user];
    if (endpoint != LOCAL_NO_TEXT && all->items[endpoint].user == user)
        return false;
    return u->count >= LOCAL_USER_ENDPOINTS_MAX;
}

static bool has_push(const struct local_endpoints *all, uint32_t user)
{
    const struct local_user *u = &all->users[user];

    for (uint32_t i = 0; i < u->count; i++)
        if (local_is_push(all->items[u->endpoints[i]].channel))
            return true;
    return false;
}

bool local_is_custom(const struct local_cell *cell)
{
    return cell->kind == LOCAL_COL_ATTRIBUTE ||
           cell->kind == LOCAL_COL_METRIC ||
           cell->kind == LOCAL_COL_USER_ATTRIBUTE;
}

bool local_knows_custom(const struct local_endpoints *all, const char *name)
{
    const uint32_t text = local_pool_find(&all->pool, name, strlen(name));

    for (size_t i = 0; text != LOCAL_NO_TEXT && i < all->custom_count; i++)
        if (all->custom[i] == text)
            return true;
    return false;
}

size_t local_cells_before(const struct local_cell *cells, size_t at)
{
    size_t count = 0;

    for (size_t i = 0; i < at; i++)
        count += strcmp(cells[i].column, cells[at].column) == 0;
    return count;
}

/* Sizes and numbers that the record alone, or the application, has too much
 * of. */
static const char *excess(const struct local_endpoints *all,
                          const struct local_cell *cells, size_t count)
{
    size_t bytes = 0;
    size_t more = 0;

    for (size_t i = 0; i < count; i++) {
        const size_t before = local_cells_before(cells, i);

        bytes += strlen(cells[i].column) + cells[i].len;
        if (before >= VALUES_MAX)
            return "an attribute has more than 50 values";
        more += before == 0 && local_is_custom(&cells[i]) &&
                !local_knows_custom(all, cells[i].column);
    }
    if (bytes > RECORD_MAX)
        return "the endpoint is larger than 15 KB";
    return all->custom_count + more > LOCAL_CUSTOM_MAX
               ? "Too many custom attributes"
               : NULL;
}

/* What is against the record. NULL: nothing. */
static const char *refusal(const struct local_endpoints *all,
                           const struct local_incoming *in, uint32_t known)
{
    uint8_t channel;

    if (known == LOCAL_NO_TEXT && (in->channel == NULL || in->address == NULL))
        return in->id != NULL
                   ? "a new endpoint needs ChannelType and Address"
                   : "ChannelType and Address, or the Id of a known endpoint, "
                     "are missing";
    channel = in->channel != NULL
                  ? (uint8_t)local_channel(in->channel->value, in->channel->len)
                  : all->items[known].channel;
    if (in->user != NULL) {
        const uint32_t user =
            local_endpoints_find_user(all, in->user->value, in->user->len);

        if (is_full(all, user, known) &&
            !(local_is_push(channel) && has_push(all, user)))
            return "Exceeded maximum endpoint per user count: 15";
    }
    return NULL;
}

const char *local_record_fault(const struct local_endpoints *all,
                               const struct local_incoming *in, uint32_t known,
                               const struct local_cell *cells, size_t count)
{
    const char *why = refusal(all, in, known);

    return why != NULL ? why : excess(all, cells, count);
}
