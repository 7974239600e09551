/* Names in order, some at a time: the first so many after a given one are picked out of all with a heap
   whose top is the last of them. */

#include "memory.h"
#include "names.h"

static int name_order(const struct kato_memory *memory, uint32_t a, uint32_t b)
{
    size_t a_size, b_size;
    const unsigned char *first = kato_name(memory, a, &a_size);
    const unsigned char *second = kato_name(memory, b, &b_size);
    return kato_name_order(first, a_size, second, b_size);
}

/* Let the id at `i` of a heap, whose first has the last name, sink to where it belongs. */
static void sink(const struct kato_memory *memory, uint32_t *heap, size_t count, size_t i)
{
    uint32_t id = heap[i];
    for (size_t child; (child = 2 * i + 1) < count; i = child) {
        if (child + 1 < count && name_order(memory, heap[child], heap[child + 1]) < 0)
            child++;
        if (name_order(memory, id, heap[child]) >= 0)
            break;
        heap[i] = heap[child];
    }
    heap[i] = id;
}

static bool comes_after(const struct kato_memory *memory, uint32_t id, const unsigned char *after,
                        size_t size)
{
    size_t own_size;
    const unsigned char *name = kato_name(memory, id, &own_size);
    return after == NULL || kato_name_order(name, own_size, after, size) > 0;
}

size_t kato_memory_page(const struct kato_memory *memory, const unsigned char *after, size_t size,
                        uint32_t *ids, size_t most)
{
    size_t count = 0;
    for (uint32_t id = 0; id < memory->ids && most; id++) {
        if (memory->frequency[id] == 0 || !comes_after(memory, id, after, size))
            continue;
        if (count < most) {
            ids[count++] = id;
            if (count == most)
                for (size_t i = most / 2 + 1; i-- > 0;)
                    sink(memory, ids, count, i);
        } else if (name_order(memory, id, ids[0]) < 0) {
            ids[0] = id;
            sink(memory, ids, count, 0);
        }
    }
    if (count < most)
        for (size_t i = count / 2 + 1; i-- > 0 && count;)
            sink(memory, ids, count, i);
    for (size_t last = count; last > 1;) {
        uint32_t id = ids[--last];
        ids[last] = ids[0];
        ids[0] = id;
        sink(memory, ids, last, 0);
    }
    return count;
}
