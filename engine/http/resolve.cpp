#include "engine/http/resolve.hpp"

#include <algorithm>
#include <cstring>
#include <mutex>
#include <netdb.h>
#include <set>

namespace act::http {

namespace {

constexpr auto keep_answer = std::chrono::seconds(30);
constexpr auto keep_failure = std::chrono::seconds(1);
constexpr auto avoid_for = std::chrono::seconds(60);
constexpr std::size_t most_hosts = 256;

std::string key(const address& a) { return a.text() + '|' + std::to_string(a.port()); }

struct look_up {
    std::vector<address> addresses;
    std::string failure;
};

look_up ask_system(const std::string& host) {
    look_up out;
    addrinfo hints{};
    hints.ai_socktype = SOCK_STREAM;
    hints.ai_family = AF_UNSPEC;
    addrinfo* list = nullptr;
    const int failed = ::getaddrinfo(host.c_str(), nullptr, &hints, &list);
    if (failed != 0) {
        out.failure = ::gai_strerror(failed);
        return out;
    }
    for (const addrinfo* i = list; i; i = i->ai_next) {
        if (i->ai_family != AF_INET && i->ai_family != AF_INET6) continue;
        address a;
        std::memcpy(&a.storage, i->ai_addr, i->ai_addrlen);
        a.size = i->ai_addrlen;
        out.addresses.push_back(a);
    }
    ::freeaddrinfo(list);
    if (out.addresses.empty()) out.failure = "no usable address";
    return out;
}

}  // namespace

struct resolver::state {
    struct entry {
        look_up found;
        steady::time_point expires{};
        bool asking = false;
        unsigned next = 0;
        std::vector<event*> waiters;
    };
    std::mutex mutex;
    std::map<std::string, entry> hosts;
    std::map<std::string, steady::time_point> avoided;
    std::set<std::pair<std::string, std::uint16_t>> reached;

    void answer(const std::string& host, look_up found) {
        std::lock_guard lock(mutex);
        entry& e = hosts[host];
        e.asking = false;
        e.expires = steady::now() + (found.failure.empty() ? steady::duration(keep_answer) : keep_failure);
        e.found = std::move(found);
        for (event* w : e.waiters) w->set();
        e.waiters.clear();
    }

    void forget_old() {
        if (hosts.size() < most_hosts) return;
        const auto now = steady::now();
        std::erase_if(hosts, [now](const auto& item) {
            return !item.second.asking && item.second.waiters.empty() && item.second.expires < now;
        });
    }

    std::vector<address> order(std::vector<address> all, std::uint16_t port, unsigned first) {
        for (address& a : all) a.set_port(port);
        // The system knows which family is the better one. The other comes second, so that one that leads
        // nowhere costs little; within each the first one changes.
        const int better = all.front().family();
        const auto middle = std::stable_partition(all.begin(), all.end(),
                                                  [&](const address& a) { return a.family() == better; });
        const auto turn = [first](auto begin, auto end) {
            if (begin != end)
                std::rotate(begin, begin + static_cast<std::ptrdiff_t>(first) % (end - begin), end);
        };
        turn(all.begin(), middle);
        turn(middle, all.end());
        std::vector<address> mixed;
        for (auto a = all.begin(), b = middle; a != middle || b != all.end();) {
            if (a != middle) mixed.push_back(*a++);
            if (b != all.end()) mixed.push_back(*b++);
        }
        all = std::move(mixed);
        const auto now = steady::now();
        std::stable_partition(all.begin(), all.end(), [&](const address& a) {
            const auto found = avoided.find(key(a));
            return found == avoided.end() || found->second < now;
        });
        return all;
    }
};

resolver::resolver(runtime& r, const std::map<std::string, std::vector<std::string>>& pinned)
    : runtime_(r), state_(std::make_shared<state>()) {
    for (const auto& [host, texts] : pinned) {
        auto& e = state_->hosts[host];
        e.expires = steady::time_point::max();
        for (const auto& text : texts) {
            address a;
            if (parse_address(text, 0, a)) e.found.addresses.push_back(a);
        }
        if (e.found.addresses.empty()) e.found.failure = "no usable address is given for it";
    }
}

task<result<std::vector<address>>> resolver::resolve(const std::string& host, std::uint16_t port,
                                                     const until& u) {
    address numeric;
    if (parse_address(host, port, numeric)) co_return std::vector<address>{numeric};
    for (;;) {
        event answered;
        bool ask = false;
        {
            std::lock_guard lock(state_->mutex);
            state_->forget_old();
            auto& e = state_->hosts[host];
            if (!e.asking && e.expires > steady::now()) {
                if (!e.found.failure.empty()) {
                    co_return error(kind::unavailable,
                                    "cannot resolve the host name " + host + ": " + e.found.failure,
                                    "check the name and the network");
                }
                co_return state_->order(e.found.addresses, port, e.next++);
            }
            ask = !e.asking;
            e.asking = true;
            e.waiters.push_back(&answered);
        }
        if (ask) {
            runtime_.post_blocking(
                [shared = state_, name = host] { shared->answer(name, ask_system(name)); });
        }
        auto waited = co_await answered.wait(u);
        {
            std::lock_guard lock(state_->mutex);
            std::erase(state_->hosts[host].waiters, &answered);
        }
        if (!waited) {
            if (waited.error().kind() != kind::timeout) co_return waited.error();
            co_return error(kind::timeout, "the host name " + host + " was not resolved in time",
                            "check the name servers of this machine");
        }
    }
}

void resolver::reached(const std::string& host, std::uint16_t port) {
    std::lock_guard lock(state_->mutex);
    if (state_->reached.size() < most_hosts) state_->reached.emplace(host, port);
}

bool resolver::ever_reached(const std::string& host, std::uint16_t port) {
    std::lock_guard lock(state_->mutex);
    return state_->reached.contains({host, port});
}

void resolver::note(const address& a, bool worked) {
    std::lock_guard lock(state_->mutex);
    if (worked) {
        if (!state_->avoided.empty()) state_->avoided.erase(key(a));
        return;
    }
    if (state_->avoided.size() > most_hosts) state_->avoided.clear();
    state_->avoided[key(a)] = steady::now() + avoid_for;
}

}  // namespace act::http
