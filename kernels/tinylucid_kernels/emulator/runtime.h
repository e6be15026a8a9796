// What the files of the runtime share. The runtime is compiled once into a library of its own; kernels are linked with it.
//
//   launch.cpp    begins and ends a launch, catches signals, reports faults
//   schedule.cpp  which block and which thread runs; barriers; who waits for ever
//   fibers.cpp    a stack for each thread that has begun and waits
//   warp.cpp      shuffles and votes
//   race.cpp      what the check build says of each access to memory: races, bounds, shared memory nobody has written
//   count.cpp     what the warps ask of memory, and where their lanes part
#pragma once
#include <cstdint>

#include "cuda.h"

namespace emu {

// One launch, as launch.py describes it (the fields stand there in the same order).
struct Launch {
    unsigned grid[3], block[3];
    int order;  // 0: blocks and threads in order, 1: backwards, else at random, with this seed
    int check;  // whether the kernel was compiled to tell each access
    int count;  // whether it was compiled to tell each branch too, and all is counted
    int unset;  // whether shared memory may be read that nobody has written, to see who writes it too late
    int milliseconds;  // of computing, after which it is stopped; 0: never
    void (*kernel)(void **arguments);
    void **arguments;
    char *library, *shared, *end;  // the kernel's library, and the shared memory at its end
    int shared_unit;               // bytes of the smallest element in shared memory
    int arrays;                    // arguments that are arrays: where they lie, and how large an element is
    uint64_t first[64], last[64];  // an array's bytes are those with first <= address < last
    int unit[64];
    int argument[64];              // which of the kernel's arguments an array is, the first if several share it
};

// What went wrong, and where.
struct Report {
    char message[512];
    uint64_t address;          // in memory, if that is what was wrong; else EMU_NOWHERE
    uint64_t code, other_code; // the instruction; in a race the other's too
    uint64_t base;             // where the library with those instructions begins
    int has_thread;            // whether one thread is to blame
    unsigned block[3], thread[3];
};

struct Fiber;
struct Place { const char *file; int line; };
enum State { FRESH, READY, AT_BARRIER, AT_WARP, DONE };

struct Thread {
    uint3 index;        // threadIdx
    int number;         // its place in the block
    State state;
    Place place;        // where it waits
    Fiber *fiber;       // what it runs on, once it has begun
    Operation operation;  // what it asks of its warp, of which lanes; what it gives, from whom it takes, what it got
    unsigned mask;
    uint64_t given, got;
    int from;
};

// launch.cpp
extern const Launch *launch;
extern Report *report;
[[noreturn]] void fail_at(const void *code, const void *address, const char *format, ...) __attribute__((format(printf, 3, 4)));
#define EMU_NOWHERE ((void *)-1)
#define EMU_FAIL(...) emu::fail_at(nullptr, EMU_NOWHERE, __VA_ARGS__)
const char *name_of(const char *file);  // a path's last part

// schedule.cpp
extern Thread *current;         // the thread that runs
extern int block_number;        // the block that runs
extern int thread_count;        // of a block
Thread *thread(int number);
uint3 thread_index(int number);
uint3 block_index(int number);
void run_blocks();
void wait();                    // until the scheduler wakes the current thread; its state says for what
void wake(Thread *);

// fibers.cpp
Fiber *spare_fiber(void (*work)());  // one that nobody uses; a new one calls `work`, which never returns
void retire(Fiber *);                // nobody uses it any more
void enter(Fiber *);                 // from the scheduler into a fiber; back when it leaves
void leave();                        // from the fiber that runs back to the scheduler
Fiber *running_fiber();
bool on_own_stack(uint64_t address); // of the fiber that runs
bool past_own_stack(uint64_t address);
void drop_fibers();                  // after a fault: their stacks hold threads that will never end

// warp.cpp
extern int lanes_waiting;               // of the block
void serve_waiting(int first_of_warp);  // lanes that waited for one that has ended

// race.cpp
extern const char *last_access;  // the instruction that last touched memory
void begin_checks();
void begin_block_checks();
void end_checks();
void all_met();                              // a barrier puts all accesses before it in order with all after it
void lanes_met(int first, unsigned lanes);   // __syncwarp does so for these lanes

// count.cpp
enum Kind { READ, WRITE, ATOMIC };
void begin_counts();
void count_access(Kind, const char *code, uint64_t distance, unsigned size, int region, bool shared);  // from where that begins
void count_block();  // it has ended

}  // namespace emu
