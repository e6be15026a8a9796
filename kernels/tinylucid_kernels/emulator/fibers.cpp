// Fibers: each CUDA thread that has begun and must wait keeps its stack, and the one OS thread jumps from stack to stack.
//
// Why not OS threads? A block may have 1024, changing between them takes microseconds instead of nanoseconds, and their order
// would be the system's choice instead of ours. Why both makecontext and setjmp? makecontext is the way to begin on a new
// stack, but changing stacks with swapcontext asks the system each time (to save the signal mask); _setjmp and _longjmp do not.
#include <csetjmp>
#include <sys/mman.h>
#include <ucontext.h>
#include <unistd.h>
#include <vector>

#include "runtime.h"

namespace emu {

const size_t STACK = 128 << 10;  // bytes; the lowest page is unreadable, so a stack that is too deep faults

struct Fiber {
    ucontext_t start;
    jmp_buf here;
    char *stack;
    bool started;
};

static std::vector<Fiber *> all, idle;
static Fiber *running;
static jmp_buf scheduler;
static const size_t page = sysconf(_SC_PAGESIZE);

static Fiber *new_fiber(void (*work)()) {
    Fiber *fiber = new Fiber();
    void *memory = mmap(nullptr, STACK, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (memory == MAP_FAILED) EMU_FAIL("no memory for the stack of another thread");
    fiber->stack = (char *)memory;
    mprotect(fiber->stack, page, PROT_NONE);
    getcontext(&fiber->start);
    fiber->start.uc_stack.ss_sp = fiber->stack;
    fiber->start.uc_stack.ss_size = STACK;
    makecontext(&fiber->start, work, 0);
    all.push_back(fiber);
    return fiber;
}

Fiber *spare_fiber(void (*work)()) {
    if (idle.empty()) return new_fiber(work);
    Fiber *fiber = idle.back();
    idle.pop_back();
    return fiber;
}

void retire(Fiber *fiber) { idle.push_back(fiber); }

void enter(Fiber *fiber) {
    running = fiber;
    if (_setjmp(scheduler)) return;  // the fiber has left: we come out here
    if (fiber->started) _longjmp(fiber->here, 1);
    fiber->started = true;
    setcontext(&fiber->start);
}

void leave() {
    if (!_setjmp(running->here)) _longjmp(scheduler, 1);
}

Fiber *running_fiber() { return running; }

bool on_own_stack(uint64_t address) {
    uint64_t bottom = (uint64_t)running->stack;
    return address >= bottom + page && address < bottom + STACK;
}

bool past_own_stack(uint64_t address) {
    uint64_t bottom = (uint64_t)running->stack;
    return address >= bottom && address < bottom + page;
}

void drop_fibers() {
    for (Fiber *fiber : all) {
        munmap(fiber->stack, STACK);
        delete fiber;
    }
    all.clear();
    idle.clear();
    running = nullptr;
}

}  // namespace emu
