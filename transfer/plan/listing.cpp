#include "transfer/plan/listing.hpp"

#include "transfer/plan/range_listing.hpp"

namespace act::plan {

class listing::client_pages final : public page_source {
public:
    client_pages(blob::client& client, std::string container, blob::list_options options)
        : client_(client), container_(std::move(container)), options_(std::move(options)) {}

    task<result<blob::list_page>> fetch(std::string prefix, std::string marker, unsigned most,
                                        until u) override {
        blob::list_options asked = options_;
        asked.prefix = std::move(prefix);
        if (!marker.empty()) asked.marker = std::move(marker);
        asked.max_results = most;
        return client_.list(container_, std::move(asked), u);
    }

private:
    blob::client& client_;
    const std::string container_;
    const blob::list_options options_;
};

listing::listing(blob::client& client, std::string container, blob::list_options options, until u,
                 buffer_pool* budget, bool eager) {
    auto limits = eager ? range_listing::eager() : range_listing::limits();
    limits.page = options.max_results;
    // Ranges begin and end at names, so each name must stand for one entry.
    limits.split = options.delimiter.empty() && !options.snapshots && !options.versions && !options.deleted &&
                   !options.uncommitted && options.marker.empty();
    source_ = std::make_unique<client_pages>(client, std::move(container), options);
    ranges_ = std::make_unique<range_listing>(*source_, options.prefix, limits, budget, u);
}

listing::~listing() = default;

void listing::start(runtime& rt, task_group& group) { ranges_->start(rt, group); }

task<result<std::optional<blob::list_page>>> listing::next() { return ranges_->next(); }

void listing::abandon() { ranges_->abandon(); }

task<result<blob::properties*>> listing_cursor::peek() {
    while (at_ == page_.size() && !finished_) {
        auto page = co_await source_.next();
        if (!page) co_return page.error();
        finished_ = !*page;
        page_ = *page ? std::move(**page) : blob::list_page();
        at_ = 0;
    }
    if (!current_ && at_ != page_.size()) current_ = &page_[at_];
    co_return current_;
}

}  // namespace act::plan
