// One launch: signals are caught while it runs, and a fault jumps back to its beginning with a report of what went wrong.
#include <csetjmp>
#include <csignal>
#include <cstdarg>
#include <cstdio>
#include <cstring>
#include <dlfcn.h>
#include <pthread.h>
#include <sys/time.h>
#include <ucontext.h>

#include "runtime.h"

namespace emu {

const Launch *launch;
Report *report;
static sigjmp_buf beginning;
static pthread_t our_thread;
static char signal_stack[64 << 10];  // a stack that overflowed cannot serve its own signal
const int SIGNALS[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGVTALRM}, SIGNAL_COUNT = 5;
static struct sigaction before[SIGNAL_COUNT];

const char *name_of(const char *file) {
    if (!file) return "?";
    const char *slash = strrchr(file, '/');
    return slash ? slash + 1 : file;
}

void fail_at(const void *code, const void *address, const char *format, ...) {
    va_list values;
    va_start(values, format);
    vsnprintf(report->message, sizeof report->message, format, values);
    va_end(values);
    Dl_info library;
    report->code = (uint64_t)code;
    report->base = code && dladdr(code, &library) ? (uint64_t)library.dli_fbase : 0;
    report->address = (uint64_t)address;
    report->has_thread = current != nullptr;
    memcpy(report->block, &blockIdx, sizeof report->block);
    if (current) memcpy(report->thread, &current->index, sizeof report->thread);
    siglongjmp(beginning, 1);
}

static void *instruction(void *context) {
    mcontext_t &machine = ((ucontext_t *)context)->uc_mcontext;
#if defined(__x86_64__)
    return (void *)machine.gregs[REG_RIP];
#elif defined(__aarch64__)
    return (void *)machine.pc;
#else
    return (void)machine, nullptr;
#endif
}

// The timer rings in whatever thread of the process computes.
static void on_time_over(void *code) {
    if (!pthread_equal(pthread_self(), our_thread)) return (void)pthread_kill(our_thread, SIGVTALRM);
    if (!current) return;  // it rings again
    bool in_kernel = (char *)code >= launch->library && (char *)code < launch->end;
    fail_at(in_kernel ? code : last_access, EMU_NOWHERE, "this has not ended after %g seconds", launch->milliseconds / 1000.0);
}

static void set_timer(int milliseconds) {
    if (!launch->milliseconds) return;
    timeval first = {milliseconds / 1000, milliseconds % 1000 * 1000}, again = {0, milliseconds ? 10000 : 0};
    itimerval timer = {again, first};
    setitimer(ITIMER_VIRTUAL, &timer, nullptr);
}

static void on_signal(int number, siginfo_t *info, void *context) {
    if (number == SIGVTALRM) return on_time_over(instruction(context));
    if (!pthread_equal(pthread_self(), our_thread) || !current) {  // not a kernel's fault: as if we were not here
        for (int i = 0; i < SIGNAL_COUNT; ++i) sigaction(SIGNALS[i], &before[i], nullptr);
        return;
    }
    void *code = instruction(context), *address = info->si_addr;
    if (number == SIGFPE) fail_at(code, EMU_NOWHERE, "integer division by zero");
    if (number == SIGILL) fail_at(code, EMU_NOWHERE, "illegal instruction");
    if (number == SIGBUS || info->si_code == SI_KERNEL)
        fail_at(code, EMU_NOWHERE, "misaligned vector: its address is not a multiple of its size");
    if (past_own_stack((uint64_t)address)) fail_at(code, EMU_NOWHERE, "stack overflow: too many or too large local variables");
    fail_at(code, address, "out of bounds");
}

static void catch_signals(stack_t *old_stack) {
    stack_t ours = {};
    ours.ss_sp = signal_stack;
    ours.ss_size = sizeof signal_stack;
    sigaltstack(&ours, old_stack);
    struct sigaction action = {};
    action.sa_sigaction = on_signal;
    action.sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER;
    for (int i = 0; i < SIGNAL_COUNT; ++i) sigaction(SIGNALS[i], &action, &before[i]);
}

static void restore_signals(const stack_t *old_stack) {
    for (int i = 0; i < SIGNAL_COUNT; ++i) sigaction(SIGNALS[i], &before[i], nullptr);
    sigaltstack(old_stack, nullptr);
}

}  // namespace emu

// Runs a launch; 0 if all went well, else 1, and the report says what did not.
extern "C" int emu_launch(const emu::Launch *what, emu::Report *result) {
    stack_t old_stack;
    emu::launch = what;
    emu::report = result;
    emu::current = nullptr;
    emu::our_thread = pthread_self();
    emu::catch_signals(&old_stack);
    if (what->check) emu::begin_checks();
    if (what->count) emu::begin_counts();
    emu::set_timer(what->milliseconds);
    int failed = sigsetjmp(emu::beginning, 1);
    if (!failed)
        emu::run_blocks();
    else
        emu::drop_fibers();
    emu::set_timer(0);
    if (what->check) emu::end_checks();
    emu::current = nullptr;
    emu::launch = nullptr;
    emu::restore_signals(&old_stack);
    fflush(stdout);  // what kernels have printed
    return failed;
}
