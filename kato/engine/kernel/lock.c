#include "lock.h"

bool kato_lock_begin(struct kato_lock *lock)
{
    lock->readers = lock->waiting_writers = 0;
    lock->writing = false;
    if (pthread_mutex_init(&lock->mutex, NULL) != 0)
        return false;
    if (pthread_cond_init(&lock->freed, NULL) != 0) {
        pthread_mutex_destroy(&lock->mutex);
        return false;
    }
    return true;
}

void kato_lock_end(struct kato_lock *lock)
{
    pthread_cond_destroy(&lock->freed);
    pthread_mutex_destroy(&lock->mutex);
}

#if KATO_PLANT == 3
/* A planted fault, by which the tests see that ThreadSanitizer would find a real one: writers take
   no lock at all. */
bool kato_lock_try_write(struct kato_lock *lock)
{
    (void)lock;
    return true;
}

void kato_lock_write(struct kato_lock *lock)
{
    (void)lock;
}

void kato_lock_write_done(struct kato_lock *lock)
{
    (void)lock;
}
#else
bool kato_lock_try_write(struct kato_lock *lock)
{
    pthread_mutex_lock(&lock->mutex);
    bool taken = !lock->writing && lock->readers == 0;
    if (taken)
        lock->writing = true;
    pthread_mutex_unlock(&lock->mutex);
    return taken;
}

void kato_lock_write(struct kato_lock *lock)
{
    pthread_mutex_lock(&lock->mutex);
    lock->waiting_writers++;
    while (lock->writing || lock->readers > 0)
        pthread_cond_wait(&lock->freed, &lock->mutex);
    lock->waiting_writers--;
    lock->writing = true;
    pthread_mutex_unlock(&lock->mutex);
}

void kato_lock_write_done(struct kato_lock *lock)
{
    pthread_mutex_lock(&lock->mutex);
    lock->writing = false;
    pthread_cond_broadcast(&lock->freed);
    pthread_mutex_unlock(&lock->mutex);
}
#endif

bool kato_lock_try_read(struct kato_lock *lock)
{
    pthread_mutex_lock(&lock->mutex);
    bool taken = !lock->writing && lock->waiting_writers == 0;
    if (taken)
        lock->readers++;
    pthread_mutex_unlock(&lock->mutex);
    return taken;
}

void kato_lock_read(struct kato_lock *lock)
{
    pthread_mutex_lock(&lock->mutex);
    while (lock->writing || lock->waiting_writers > 0)
        pthread_cond_wait(&lock->freed, &lock->mutex);
    lock->readers++;
    pthread_mutex_unlock(&lock->mutex);
}

void kato_lock_read_done(struct kato_lock *lock)
{
    pthread_mutex_lock(&lock->mutex);
    if (--lock->readers == 0)
        pthread_cond_broadcast(&lock->freed);
    pthread_mutex_unlock(&lock->mutex);
}
