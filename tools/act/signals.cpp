#include "tools/act/signals.hpp"

#include <atomic>
#include <cerrno>
#include <csignal>
#include <fcntl.h>
#include <forward_list>
#include <stdexcept>
#include <unistd.h>

#include "engine/core/error.hpp"

namespace act::cli {

namespace {

constexpr int watched[] = {SIGINT, SIGTERM};

// What the handlers may touch: they run between any two instructions.
std::atomic<bool> asked{false};
int pipe_ends[2] = {-1, -1};
std::atomic<const std::string*> last_words{nullptr};
struct sigaction before[3];

// Requesting a stop takes locks, so the handler only wakes the thread that does it.
void on_request(int) {
    if (asked.exchange(true)) {
        if (const std::string* text = last_words.load())
            (void)!::write(STDERR_FILENO, text->data(), text->size());
        ::_exit(exit_code(kind::stopped));
    }
    int saved = errno;
    char byte = 1;
    (void)!::write(pipe_ends[1], &byte, 1);
    errno = saved;
}

void on_broken_pipe(int) {}

void handle(int number, void (*with)(int), struct sigaction& old) {
    struct sigaction action {};
    action.sa_handler = with;
    action.sa_flags = SA_RESTART;
    ::sigemptyset(&action.sa_mask);
    ::sigaction(number, &action, &old);
    // nohup and background shells ignore some on purpose.
    if (old.sa_handler == SIG_IGN && number == SIGINT) ::sigaction(number, &old, nullptr);
}

void watch(stop_source stop) {
    char byte = 0;
    while (::read(pipe_ends[0], &byte, 1) < 0 && errno == EINTR) continue;
    if (byte == 1) stop.request();
}

}  // namespace

void set_last_words(std::string text) {
    // None goes before the process does: a handler may be reading it. They are few.
    static std::forward_list<std::string> said;
    last_words = nullptr;
    if (!text.empty()) last_words = &said.emplace_front(std::move(text));
}

signal_watch::signal_watch(stop_source stop) {
    if (::pipe2(pipe_ends, O_CLOEXEC) != 0) throw std::runtime_error("no pipe for signals");
    asked = false;
    // Signals go to the main thread; the watcher only reads.
    thread_ = std::thread(watch, std::move(stop));
    for (int i = 0; i < 2; ++i) handle(watched[i], on_request, before[i]);
    handle(SIGPIPE, on_broken_pipe, before[2]);
}

signal_watch::~signal_watch() {
    for (int i = 0; i < 2; ++i) ::sigaction(watched[i], &before[i], nullptr);
    ::sigaction(SIGPIPE, &before[2], nullptr);
    char byte = 0;
    (void)!::write(pipe_ends[1], &byte, 1);
    thread_.join();
    for (int& end : pipe_ends) {
        ::close(end);
        end = -1;
    }
}

}  // namespace act::cli
