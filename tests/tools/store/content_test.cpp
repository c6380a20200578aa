#include "tools/store/content.hpp"

#include "fixture.hpp"
#include "tools/store/keys.hpp"

namespace act::store {
namespace {

class content_test : public testing::Test {
protected:
    void SetUp() override {
        index_ = opened(index::open(folder_.path() + "/index"));
        files_ = opened(files::open(folder_.path(), *index_));
        index_->on_retire([this](std::vector<std::uint64_t> gone) {
            retired_.insert(retired_.end(), gone.begin(), gone.end());
        });
    }
    void write(const std::function<void(writer&)>& f) { ASSERT_TRUE(index_->write_now(f)); }
    bool has_piece(id i) { return index_->read()->get(table::pieces, number_key(i).view()).has_value(); }
    std::vector<std::tuple<id, std::uint64_t, std::uint64_t>> parts(const content_ref& c, std::uint64_t size,
                                                                    std::uint64_t offset,
                                                                    std::uint64_t length) {
        std::vector<std::tuple<id, std::uint64_t, std::uint64_t>> out;
        auto r = index_->read();
        for (const segment& s : segments(*r, c, size, offset, length))
            out.emplace_back(s.piece, s.offset, s.length);
        EXPECT_FALSE(r->failed());
        return out;
    }

    temporary_folder folder_;
    std::unique_ptr<index> index_;
    std::unique_ptr<files> files_;
    std::vector<id> retired_;
};

using list_of = std::vector<std::tuple<id, std::uint64_t, std::uint64_t>>;

TEST_F(content_test, a_piece_goes_with_its_last_reference) {
    const id small = files_->next_id(), file = files_->next_id(true);
    write([&](writer& w) {
        add_small_piece(w, small, "abc");
        add_file_piece(w, file);
        share_piece(w, small);
        share_piece(w, small);
        share_piece(w, file);
    });
    write([&](writer& w) { release_piece(w, small), release_piece(w, file); });
    EXPECT_TRUE(has_piece(small));
    EXPECT_TRUE(retired_.empty());
    write([&](writer& w) { release_piece(w, small), release_piece(w, file); });
    EXPECT_TRUE(has_piece(small));
    EXPECT_THAT(retired_, testing::ElementsAre(file));
    write([&](writer& w) { release_piece(w, small); });
    EXPECT_FALSE(has_piece(small));
}

TEST_F(content_test, a_list_is_read_by_ranges_and_releases_its_pieces) {
    const id a = files_->next_id(), b = files_->next_id(), list = files_->next_id();
    const content_ref c{content_ref::form::list, list};
    write([&](writer& w) {
        add_small_piece(w, a, "0123456789");
        add_small_piece(w, b, "abcde");
        share_piece(w, a);
        const std::vector<list_entry> entries = {{"1", a, 0, 10}, {"two", b, 1, 4}, {"3", a, 2, 5}};
        write_list(w, list, entries);
    });
    EXPECT_EQ(parts(c, 19, 0, 19), (list_of{{a, 0, 10}, {b, 1, 4}, {a, 2, 5}}));
    EXPECT_EQ(parts(c, 19, 9, 3), (list_of{{a, 9, 1}, {b, 1, 2}}));
    EXPECT_EQ(parts(c, 19, 14, 1), (list_of{{a, 2, 1}}));
    EXPECT_EQ(parts(c, 19, 18, 1), (list_of{{a, 6, 1}}));
    {
        auto r = index_->read();
        const list_view view(*r->get(table::lists, number_key(list).view()));
        ASSERT_EQ(view.size(), 3u);
        EXPECT_EQ(view[1].block_id, "two");
        EXPECT_EQ(view[2].block_id, "3");
        EXPECT_EQ(view[2].length, 5u);
    }
    // Shared once (a snapshot), then released twice.
    write([&](writer& w) { EXPECT_EQ(share(w, *files_, c, 19).id, list); });
    write([&](writer& w) { release(w, c); });
    EXPECT_TRUE(has_piece(a));
    write([&](writer& w) { release(w, c); });
    EXPECT_FALSE(has_piece(a));
    EXPECT_FALSE(has_piece(b));
}

TEST_F(content_test, extents_replace_what_they_cover) {
    const content_ref c{content_ref::form::extents, files_->next_id()};
    const id a = files_->next_id(), b = files_->next_id();
    write([&](writer& w) {
        add_small_piece(w, a, std::string(100, 'a'));
        add_small_piece(w, b, std::string(20, 'b'));
        put_extent(w, c.id, 50, {a, 0, 100});
        put_extent(w, c.id, 80, {b, 0, 20});
    });
    const list_of all = {{0, 0, 50}, {a, 0, 30}, {b, 0, 20}, {a, 50, 50}, {0, 0, 50}};
    EXPECT_EQ(parts(c, 200, 0, 200), all);
    EXPECT_EQ(parts(c, 200, 75, 10), (list_of{{a, 25, 5}, {b, 0, 5}}));
    // A snapshot keeps the old state while the blob goes on changing.
    content_ref kept;
    write([&](writer& w) { kept = share(w, *files_, c, 200); });
    write([&](writer& w) { clear_extents(w, c.id, 0, 120); });
    EXPECT_EQ(parts(c, 200, 0, 200), (list_of{{0, 0, 120}, {a, 70, 30}, {0, 0, 50}}));
    EXPECT_EQ(parts(kept, 200, 0, 200), all);
    write([&](writer& w) { release(w, c); });
    EXPECT_TRUE(has_piece(a));
    write([&](writer& w) { release(w, kept); });
    EXPECT_FALSE(has_piece(a));
    EXPECT_FALSE(has_piece(b));
}

}  // namespace
}  // namespace act::store
