#include "standing.h"

#include <string.h>

#include "contest.h"

struct looking {
    struct kato_standing *standing;
    struct kato_desk *desk;
    const struct kato_memory *memory;
    enum kato_rank rank;
    uint32_t id;
    struct kato_entry model; /* the model that is looked at */
};

static bool count(void *context, const struct kato_kept *kept)
{
    struct looking *looking = context;
    looking->standing->kept++;
    looking->standing->kept_frequency += kept->frequency;
    if (kept->id == looking->id) {
        looking->standing->is_kept = true;
        looking->model.kept = *kept;
    }
    return true;
}

static struct kato_entry weighed(const struct looking *looking, const struct kato_kept *kept)
{
    return (struct kato_entry){.kept = *kept,
                               .value = kato_value(looking->desk, looking->memory, looking->rank,
                                                   kept, looking->standing->kept_frequency)};
}

static bool compare(void *context, const struct kato_kept *kept)
{
    struct looking *looking = context;
    struct kato_entry entry = weighed(looking, kept);
    looking->standing->better += kato_is_better(looking->memory, &entry, &looking->model);
    return true;
}

bool kato_standing_find(struct kato_standing *standing, struct kato_desk *desk,
                        const struct kato_memory *memory, double threshold, enum kato_rank rank,
                        uint32_t id)
{
    memset(standing, 0, sizeof *standing);
    struct looking looking = {.standing = standing, .desk = desk, .memory = memory,
                              .rank = rank, .id = id};
    if (!kato_each_kept(desk, memory, threshold, count, &looking))
        return false;
    if (!standing->is_kept)
        return true;
    looking.model = weighed(&looking, &looking.model.kept);
    return kato_each_kept(desk, memory, threshold, compare, &looking);
}
