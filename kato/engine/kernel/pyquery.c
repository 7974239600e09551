/* Asking a memory about a state. What may take long lets other threads run. */

#include "pymemory.h"

#include "alloc.h"
#include "forecast.h"
#include "standing.h"

enum { LONG_EFFORT = 10000 }; /* more ids to go over than this */

/* A state at its desk, under the read lock, and what is needed to tell its answer. */
struct asking {
    struct memory_object *self;
    PyObject *state; /* a tuple of str */
    struct symbols symbols;
    struct kato_desk *desk;
    bool is_long;
};

static bool state_codes(struct asking *asking, uint32_t *codes, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        PyObject *text = PyTuple_GetItem(asking->state, (Py_ssize_t)i);
        if (!PyUnicode_Check(text)) {
            PyErr_SetString(PyExc_TypeError, "a symbol is a str");
            return false;
        }
        if (kato_known_code(asking->self, text, &codes[i]) < 0)
            return false;
    }
    return true;
}

/* Whether it may take long: there are many ids to go over, longer models counting for more, or both
   state and models are long. */
static bool is_long(const struct kato_memory *memory, const struct kato_desk *desk)
{
    uint64_t ids = 0, longest = memory->longest, state = desk->view.length;
    for (uint32_t slot = 1; slot <= desk->view.slots; slot++)
        ids += memory->first[desk->code[slot]].count;
    return ids * (1 + longest / 32) > LONG_EFFORT
           || (state > KATO_SHORT && state * longest > (uint64_t)LONG_EFFORT * 8);
}

static void stop_asking(struct asking *asking)
{
    if (asking->desk)
        kato_desk_leave(asking->desk);
    kato_lock_read_done(&asking->self->memory->lock);
    Py_DECREF(asking->symbols.texts);
    Py_DECREF(asking->symbols.literals);
    Py_DECREF(asking->state);
}

static bool start_asking(struct asking *asking, PyObject *object, PyObject *state)
{
    asking->self = as_memory(object);
    asking->state = PySequence_Tuple(state);
    asking->desk = NULL;
    if (asking->state == NULL)
        return false;
    size_t length = (size_t)PyTuple_Size(asking->state);
    uint32_t *codes = kato_resized(NULL, length, sizeof *codes);
    if (codes == NULL || length > INT32_MAX) {
        kato_free(codes);
        Py_DECREF(asking->state);
        PyErr_NoMemory();
        return false;
    }
    struct kato_memory *memory = asking->self->memory;
    kato_wait_read(memory);
    asking->symbols = asking->self->symbols;
    Py_INCREF(asking->symbols.texts);
    Py_INCREF(asking->symbols.literals);
    if (state_codes(asking, codes, length)) {
        asking->desk = kato_desk_take(memory, codes, length);
        if (asking->desk)
            asking->is_long = is_long(memory, asking->desk);
        else
            PyErr_NoMemory();
    }
    kato_free(codes);
    if (asking->desk == NULL)
        stop_asking(asking);
    return asking->desk != NULL;
}

/* Do what may be long, letting others run if it is. */
#define WHILE_OTHERS_RUN(asking, work)  \
    do {                                \
        if ((asking)->is_long) {        \
            Py_BEGIN_ALLOW_THREADS      \
            work;                       \
            Py_END_ALLOW_THREADS        \
        } else {                        \
            work;                       \
        }                               \
    } while (0)

PyObject *kato_best(PyObject *object, PyObject *args)
{
    struct asking asking;
    PyObject *state;
    double threshold;
    int rank;
    unsigned most;
    if (!PyArg_ParseTuple(args, "OdiI", &state, &threshold, &rank, &most))
        return NULL;
    if (rank < 0 || rank >= KATO_RANKS || most == 0) {
        PyErr_SetString(PyExc_ValueError, "no such ranking");
        return NULL;
    }
    if (!start_asking(&asking, object, state))
        return NULL;
    struct kato_ranking *ranking;
    WHILE_OTHERS_RUN(&asking,
                     ranking = kato_ranking_new(asking.desk, asking.self->memory, threshold,
                                                (enum kato_rank)rank, most));
    struct module_state *module = PyType_GetModuleState(Py_TYPE(object));
    PyObject *told = ranking ? kato_ranking_object(module, ranking, asking.symbols, asking.state)
                             : PyErr_NoMemory();
    stop_asking(&asking);
    return told;
}

static bool count_one(void *context, const struct kato_kept *kept)
{
    (void)kept;
    ++*(uint64_t *)context;
    return true;
}

PyObject *kato_count(PyObject *object, PyObject *args)
{
    struct asking asking;
    PyObject *state;
    double threshold;
    uint64_t kept = 0;
    bool counted;
    if (!PyArg_ParseTuple(args, "Od", &state, &threshold)
        || !start_asking(&asking, object, state))
        return NULL;
    WHILE_OTHERS_RUN(&asking, counted = kato_each_kept(asking.desk, asking.self->memory, threshold,
                                                       count_one, &kept));
    stop_asking(&asking);
    return counted ? PyLong_FromUnsignedLongLong(kept) : PyErr_NoMemory();
}

/* An entry as (share, event, models, frequency). */
static PyObject *entry_object(const struct kato_expected *entry, PyObject *texts)
{
    PyObject *event = PyList_New(0);
    for (uint32_t i = 0; i < entry->length && event; i++) {
        PyObject *text = PyList_GetItem(texts, (Py_ssize_t)entry->code[i]);
        if (text == NULL || PyList_Append(event, text) < 0)
            Py_CLEAR(event);
    }
    PyObject *frequency = event ? kato_wide_object(entry->frequency) : NULL;
    if (frequency == NULL) {
        Py_XDECREF(event);
        return NULL;
    }
    return Py_BuildValue("(dNKN)", entry->share, event, (unsigned long long)entry->models,
                         frequency);
}

PyObject *kato_forecast(PyObject *object, PyObject *args)
{
    struct asking asking;
    PyObject *state;
    double threshold;
    size_t limit;
    Py_ssize_t given;
    bool made;
    if (!PyArg_ParseTuple(args, "Odn", &state, &threshold, &given))
        return NULL;
    if (given < 1) {
        PyErr_SetString(PyExc_ValueError, "a forecast has at least one entry");
        return NULL;
    }
    if (!start_asking(&asking, object, state))
        return NULL;
    struct kato_forecast forecast;
    limit = (size_t)given;
    WHILE_OTHERS_RUN(&asking, made = kato_forecast_make(&forecast, asking.desk,
                                                        asking.self->memory, threshold, limit));
    PyObject *list = made ? PyList_New(0) : PyErr_NoMemory();
    for (size_t i = 0; i < forecast.count && list; i++) {
        PyObject *entry = entry_object(&forecast.entry[i], asking.symbols.texts);
        if (entry == NULL || PyList_Append(list, entry) < 0)
            Py_CLEAR(list);
        Py_XDECREF(entry);
    }
    kato_forecast_end(&forecast);
    stop_asking(&asking);
    return list;
}

static bool stand(struct asking *asking, struct name name, double threshold, enum kato_rank rank,
                  struct kato_standing *standing)
{
    struct kato_memory *memory = asking->self->memory;
    bool found;
    uint32_t id = kato_memory_named(memory, name.packed, name.size);
    WHILE_OTHERS_RUN(asking, found = kato_standing_find(standing, asking->desk, memory, threshold,
                                                        rank, id));
    return found;
}

PyObject *kato_stand(PyObject *object, PyObject *args)
{
    struct asking asking;
    struct kato_standing standing;
    struct name name;
    PyObject *state, *text, *frequency = NULL, *rank_object = NULL;
    double threshold;
    int rank;
    if (!PyArg_ParseTuple(args, "OdiU", &state, &threshold, &rank, &text))
        return NULL;
    if (rank < 0 || rank >= KATO_RANKS) {
        PyErr_SetString(PyExc_ValueError, "no such ranking");
        return NULL;
    }
    if (!kato_packed_name(text, &name))
        return NULL;
    if (start_asking(&asking, object, state)) {
        if (!stand(&asking, name, threshold, (enum kato_rank)rank, &standing))
            PyErr_NoMemory();
        else
            frequency = kato_wide_object(standing.kept_frequency);
        stop_asking(&asking);
    }
    kato_free(name.packed);
    if (frequency == NULL)
        return NULL;
    rank_object = standing.is_kept ? PyLong_FromUnsignedLongLong(standing.better + 1)
                                   : Py_NewRef(Py_None);
    return Py_BuildValue("(KNN)", (unsigned long long)standing.kept, frequency, rank_object);
}

/* The frequencies of the models that contain each symbol, together. */
static PyObject *weights_of(struct memory_object *self, PyObject *symbols)
{
    Py_ssize_t count = PyTuple_Size(symbols);
    PyObject *weights = PyList_New(count);
    for (Py_ssize_t i = 0; i < count && weights; i++) {
        PyObject *text = PyTuple_GetItem(symbols, i), *weight = NULL;
        uint32_t code;
        if (!PyUnicode_Check(text))
            PyErr_SetString(PyExc_TypeError, "a symbol is a str");
        else if (kato_known_code(self, text, &code) == 0)
            weight = kato_wide_object(code == KATO_NONE ? 0 : self->memory->weight[code]);
        if (weight == NULL || PyList_SetItem(weights, i, weight) < 0)
            Py_CLEAR(weights);
    }
    return weights;
}

PyObject *kato_weigh(PyObject *object, PyObject *given)
{
    struct memory_object *self = as_memory(object);
    PyObject *symbols = PySequence_Tuple(given), *mass = NULL, *total = NULL;
    if (symbols == NULL)
        return NULL;
    kato_wait_read(self->memory);
    PyObject *weights = weights_of(self, symbols);
    if (weights)
        mass = kato_wide_object(self->memory->mass);
    if (mass)
        total = kato_wide_object(self->memory->total);
    kato_lock_read_done(&self->memory->lock);
    Py_DECREF(symbols);
    if (total)
        return Py_BuildValue("(NNN)", weights, mass, total);
    Py_XDECREF(weights);
    Py_XDECREF(mass);
    return NULL;
}
