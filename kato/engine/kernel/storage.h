/* All models of a memory as one piece of bytes, and back. */

#ifndef KATO_STORAGE_H
#define KATO_STORAGE_H

#include "binding.h"

struct kato_loaded {
    struct kato_memory *memory; /* NULL: the bytes are not what a dump gives */
    PyObject *texts;            /* list: the symbols by code */
};

/* Read lock held. The bytes; NULL with an error set. `texts` are the symbols by code. */
PyObject *kato_dump(const struct kato_memory *memory, PyObject *texts);

/* Make a memory again. False with an error set. */
bool kato_load(PyObject *bytes, uint64_t seed, struct kato_loaded *loaded);

#endif
