#include "transfer/plan/listing.hpp"

namespace act::plan {

namespace {
constexpr std::size_t pages_ahead = 2;
}

listing::listing(blob::client& client, std::string container, blob::list_options options, until u)
    : client_(client),
      container_(std::move(container)),
      options_(std::move(options)),
      ended_(u.stop),
      until_(u),
      pages_(pages_ahead) {
    until_.stop = ended_.token();
}

void listing::start(runtime& rt, task_group& group) {
    // Away from loop 0, where operations plan: parsing a page takes milliseconds.
    group.spawn(rt.at(rt.size() - 1), fetch());
}

task<void> listing::fetch() {
    for (;;) {
        auto page = co_await client_.list(container_, options_, until_);
        const bool more = page && !page->next_marker.empty();
        fetched next;
        if (more) options_.marker = page->next_marker;
        if (page) {
            next.page = std::move(*page);
        } else {
            next.failure = page.error();
        }
        if (auto pushed = co_await pages_.push(std::move(next), until_); !pushed) break;
        if (!more) break;
    }
    pages_.close();
}

task<result<std::optional<blob::list_page>>> listing::next() {
    auto got = co_await pages_.pop(until_);
    if (!got) co_return got.error();
    if (!*got) {
        if (auto alive = until_.check(); !alive) co_return alive.error();
        co_return std::optional<blob::list_page>();
    }
    fetched& next = **got;
    if (next.failure) co_return *next.failure;
    co_return std::optional<blob::list_page>(std::move(next.page));
}

void listing::abandon() { ended_.request(); }

task<result<blob::properties*>> listing_cursor::peek() {
    while (at_ == page_.size() && !finished_) {
        auto page = co_await source_.next();
        if (!page) co_return page.error();
        finished_ = !*page;
        page_ = *page ? std::move((*page)->items) : std::vector<blob::properties>();
        at_ = 0;
    }
    co_return at_ == page_.size() ? nullptr : &page_[at_];
}

}  // namespace act::plan
