#pragma once

#include <algorithm>
#include <functional>
#include <map>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "engine/async/runtime.hpp"
#include "transfer/plan/page_source.hpp"

namespace act::plan::test {

/// Blobs by name, listed a page at a time. Answers come in rounds: each round answers, in random order, what
/// was asked until nothing more would be asked without an answer, so that rounds() counts the longest chain
/// of requests that wait for each other. For one loop.
class paged_names final : public page_source {
public:
    enum class markers {
        by_name,      ///< as the service's: a place among all names
        of_a_prefix,  ///< refused with any other prefix
        ignored,      ///< with any other prefix: from the beginning
        skipping      ///< with any other prefix: one name too far
    };
    using order = bool (*)(const std::string&, const std::string&);

    explicit paged_names(std::vector<std::string> names, unsigned seed = 1, order less = nullptr)
        : names_(std::move(names)), random_(seed), by_bytes_(!less) {
        if (less) {
            std::sort(names_.begin(), names_.end(), less);
        } else {
            std::sort(names_.begin(), names_.end());
        }
        names_.erase(std::unique(names_.begin(), names_.end()), names_.end());
    }

    markers kind = markers::by_name;
    unsigned largest_page = 5000;
    /// Pages stay packed, of so many bytes and so many more for each name; 0: they are made into properties.
    std::size_t bytes_per_name = 0, bytes_per_page = 0;
    /// Called before each answer; may fail the request or change names().
    std::function<std::optional<error>(const std::string& prefix, const std::string& marker, unsigned most)>
        meddle;

    std::vector<std::string>& names() { return names_; }
    unsigned rounds() const { return rounds_; }
    std::size_t requests() const { return requests_; }
    std::size_t most_waiting() const { return most_waiting_; }

    task<result<blob::list_page>> fetch(std::string prefix, std::string marker, unsigned most,
                                        until u) override {
        ++requests_;
        event turn;
        waiting_.push_back(&turn);
        auto waited = co_await turn.wait(u);
        std::erase(waiting_, &turn);
        if (!waited) co_return waited.error();
        if (meddle) {
            if (auto failure = meddle(prefix, marker, most)) co_return *failure;
        }
        co_return answer(prefix, marker, std::min(most, largest_page));
    }

    /// Answers until `ended`; runs beside the listing.
    task<void> serve(const bool& ended) {
        std::size_t seen = 0;
        while (!ended) {
            // Until nothing that is ready to run asks for more.
            for (int quiet = 0; quiet < 4 && !ended; ++quiet) {
                co_await boost::asio::post(
                    boost::asio::use_awaitable_t<boost::asio::io_context::executor_type>());
                if (seen != requests_) quiet = 0;
                seen = requests_;
            }
            if (waiting_.empty()) continue;
            ++rounds_;
            most_waiting_ = std::max(most_waiting_, waiting_.size());
            auto batch = std::move(waiting_);
            waiting_.clear();
            std::shuffle(batch.begin(), batch.end(), random_);
            for (event* e : batch) e->set();
        }
    }

private:
    using place = std::vector<std::string>::iterator;

    struct packed final : blob::packed_entries {
        packed(std::vector<blob::properties> all, std::size_t bytes)
            : entries(std::move(all)), weight(bytes) {}
        std::string_view name(std::size_t i) const override { return entries[i].name; }
        blob::properties& read(std::size_t i) override { return one = entries[i]; }
        std::size_t memory() const override { return weight; }
        std::vector<blob::properties> entries;
        blob::properties one;
        std::size_t weight;
    };

    place from_beginning(const std::string& prefix) {
        return by_bytes_ ? std::lower_bound(names_.begin(), names_.end(), prefix) : names_.begin();
    }
    place behind(const std::string& name) {
        if (by_bytes_) return std::upper_bound(names_.begin(), names_.end(), name);
        auto at = std::find(names_.begin(), names_.end(), name);
        return at == names_.end() ? at : at + 1;
    }

    result<blob::list_page> answer(const std::string& prefix, const std::string& marker, unsigned most) {
        auto at = from_beginning(prefix);
        if (!marker.empty()) {
            const auto& [of, name] = given_.at(marker);
            const bool foreign = of != prefix && kind != markers::by_name;
            if (foreign && kind == markers::of_a_prefix) {
                return error(kind_of_refusal, "bad marker").with_service("OutOfRangeInput", 400, "");
            }
            if (!foreign || kind == markers::skipping) at = behind(name);
            if (foreign && kind == markers::skipping && at != names_.end()) ++at;
        }
        std::vector<blob::properties> page;
        std::string next;
        for (; at != names_.end(); ++at) {
            if (!at->starts_with(prefix)) {
                if (by_bytes_ && *at > prefix) break;
                continue;
            }
            if (page.size() == most) {
                next = "m" + std::to_string(given_.size());
                given_[next] = {prefix, page.back().name};
                break;
            }
            page.emplace_back().name = *at;
        }
        if (bytes_per_name == 0) return blob::list_page(std::move(page), std::move(next));
        const std::size_t count = page.size(), memory = bytes_per_page + count * bytes_per_name;
        return blob::list_page(std::make_unique<packed>(std::move(page), memory), count, std::move(next));
    }

    static constexpr act::kind kind_of_refusal = act::kind::usage;
    std::vector<std::string> names_;
    std::mt19937 random_;
    bool by_bytes_;
    std::vector<event*> waiting_;
    std::map<std::string, std::pair<std::string, std::string>> given_;
    unsigned rounds_ = 0;
    std::size_t requests_ = 0, most_waiting_ = 0;
};

}  // namespace act::plan::test
