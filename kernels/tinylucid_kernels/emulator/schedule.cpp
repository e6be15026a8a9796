// The scheduler: one block after another, and in a block one thread at a time, until it ends or must wait.
//
// A correct kernel gives the same bits in whatever order its blocks and threads run, so the order is a setting: forwards,
// backwards, or at random. A fiber runs thread after thread as long as none has to wait; most kernels have no barrier, so
// for them one fiber does all the work.
#include <algorithm>
#include <vector>

#include "runtime.h"

uint3 threadIdx, blockIdx;
dim3 blockDim, gridDim;

namespace emu {

Thread *current;
int block_number, thread_count;
static std::vector<Thread> threads;
static std::vector<int> sequence;  // in which threads begin
static int begun, ended;           // how many have
static std::vector<int> ready;     // threads that waited and may go on
static unsigned random_state;

int thread_number() { return current->number; }
Thread *thread(int number) { return &threads[number]; }

uint3 thread_index(int number) {
    unsigned i = number;
    return {i % blockDim.x, i / blockDim.x % blockDim.y, i / blockDim.x / blockDim.y};
}

uint3 block_index(int number) {
    unsigned i = number;
    return {i % gridDim.x, i / gridDim.x % gridDim.y, i / gridDim.x / gridDim.y};
}

static void arrange(std::vector<int> &numbers) {
    if (launch->order == 1) std::reverse(numbers.begin(), numbers.end());
    if (launch->order <= 1) return;
    for (size_t i = numbers.size(); i > 1; --i) {
        random_state = random_state * 1664525u + 1013904223u;
        std::swap(numbers[i - 1], numbers[(random_state >> 8) % i]);
    }
}

static void run_as(Thread *thread) {
    current = thread;
    threadIdx = thread->index;
}

// What each fiber does, for ever: begin the next thread and run it to its end. While a thread waits, its fiber waits with it.
static void work() {
    for (;;) {
        while (begun < thread_count) {
            Thread *thread = &threads[sequence[begun++]];
            thread->fiber = running_fiber();
            run_as(thread);
            launch->kernel(launch->arguments);
            current->state = DONE;
            ++ended;
            serve_waiting(current->number / 32 * 32);
        }
        retire(running_fiber());
        leave();
    }
}

void wait() { leave(); }

void wake(Thread *thread) {
    thread->state = READY;
    ready.push_back(thread->number);
}

// Nobody can run. Then all must stand at one barrier; whatever else it is, a GPU would hang or compute nonsense.
static void find_the_fault() {
    for (Thread &t : threads) {
        if (t.state != AT_WARP) continue;
        unsigned first = t.number / 32 * 32;
        for (int l = 0; l < 32 && first + l < (unsigned)thread_count; ++l) {
            Thread &other = threads[first + l];
            bool there = other.state == AT_WARP && other.mask == t.mask && other.operation == t.operation;
            if (!(t.mask >> l & 1) || there || other.state == DONE) continue;
            current = &t;
            EMU_FAIL("deadlock: this thread waits at %s:%d for the lanes of the mask %08x, but lane %d waits at %s:%d",
                     name_of(t.place.file), t.place.line, t.mask, l, name_of(other.place.file), other.place.line);
        }
    }
    Thread *waiting = nullptr;
    for (Thread &t : threads)
        if (t.state == AT_BARRIER) waiting = &t;
    for (Thread &t : threads) {
        current = &t;
        if (t.state == DONE)
            EMU_FAIL("divergent barrier: this thread has returned, others wait at %s:%d", name_of(waiting->place.file),
                     waiting->place.line);
        if (t.place.line != waiting->place.line || __builtin_strcmp(t.place.file, waiting->place.file))
            EMU_FAIL("divergent barrier: this thread waits at %s:%d, others at %s:%d", name_of(t.place.file), t.place.line,
                     name_of(waiting->place.file), waiting->place.line);
    }
}

static void open_the_barrier() {
    find_the_fault();
    all_met();
    for (int i = thread_count; i-- > 0;) ready.push_back(i);  // taken from the end, so the first goes first
    arrange(ready);
}

static void run_block() {
    threads.assign(thread_count, Thread());
    sequence.resize(thread_count);
    for (int i = 0; i < thread_count; ++i) {
        threads[i].number = sequence[i] = i;
        threads[i].index = thread_index(i);
    }
    arrange(sequence);
    ready.clear();
    begun = ended = lanes_waiting = 0;
    while (ended < thread_count) {
        if (begun < thread_count) {
            enter(spare_fiber(work));
            continue;
        }
        if (ready.empty()) open_the_barrier();
        Thread *next = &threads[ready.back()];
        ready.pop_back();
        next->state = READY;
        run_as(next);
        enter(next->fiber);
    }
}

void run_blocks() {
    gridDim = {launch->grid[0], launch->grid[1], launch->grid[2]};
    blockDim = {launch->block[0], launch->block[1], launch->block[2]};
    thread_count = blockDim.x * blockDim.y * blockDim.z;
    random_state = launch->order;
    std::vector<int> blocks(gridDim.x * gridDim.y * gridDim.z);
    for (size_t i = 0; i < blocks.size(); ++i) blocks[i] = i;
    arrange(blocks);
    for (int number : blocks) {
        block_number = number;
        blockIdx = block_index(number);
        __builtin_memset(launch->shared, 0xff, launch->end - launch->shared);  // NaN, or -1: nobody has written it yet
        if (launch->check) begin_block_checks();
        run_block();
        if (launch->count) count_block();
    }
}

void barrier(const char *file, int line) {
    current->state = AT_BARRIER;
    current->place = {file, line};
    wait();
}

}  // namespace emu
