#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "engine/codec/arrow_buffer.hpp"

/// Writes tables in the stream format of Apache Arrow (see arrow.hpp): one batch, of the columns in which
/// anything was set.
namespace act::arrow {

/// What the columns have in common. Rows are set in rising order, and those passed over have no value.
class column_builder {
public:
    explicit column_builder(std::string_view name) : name_(name) {}
    bool used() const { return values_ != 0; }

protected:
    /// Nothing is written down while every row has a value.
    void mark(std::size_t row) {
        if (!valid_.empty() || values_ != row) mark_apart(row, 1);
        ++values_;
        behind_ = row + 1;
    }
    /// For `count` rows from `row` on, if the row before has a value; false if not.
    bool mark_again(std::size_t row, std::size_t count);

    friend class table_builder;
    std::string_view name_;
    std::size_t values_ = 0, behind_ = 0;  // behind_: the row behind the last one with a value
    std::string valid_;                    // a bit for each row, once one has been passed over

private:
    void mark_apart(std::size_t row, std::size_t count);
    void spell_out();
};

class text_builder : public column_builder {
public:
    using column_builder::column_builder;
    void set(std::size_t row, std::string_view value) {
        mark(row);
        if (ends_.size() != row + 1) pass_over(row);
        bytes_.append(value.data(), value.size());
        ends_.push_back(static_cast<std::int32_t>(bytes_.size()));
    }
    /// `count` rows, `row` the first of them, are as the row before: of the same value, or without one.
    void repeat(std::size_t row, std::size_t count);

private:
    friend class table_builder;
    void pass_over(std::size_t rows) { ends_.fill_up(rows + 1, static_cast<std::int32_t>(bytes_.size())); }
    buffer<std::int32_t> ends_;  // before them a 0, where the first text begins
    buffer<char> bytes_;
};

class integer_builder : public column_builder {
public:
    using column_builder::column_builder;
    void set(std::size_t row, std::uint64_t value) {
        mark(row);
        if (numbers_.size() != row) numbers_.fill_up(row, 0);
        numbers_.push_back(value);
    }
    /// As text_builder's.
    void repeat(std::size_t row, std::size_t count);

private:
    friend class table_builder;
    buffer<std::uint64_t> numbers_;
};

/// Seconds since 1970, in UTC.
class timestamp_builder : public integer_builder {
public:
    using integer_builder::integer_builder;
};

class boolean_builder : public column_builder {
public:
    using column_builder::column_builder;
    void set(std::size_t row, bool value);
    /// As text_builder's.
    void repeat(std::size_t row, std::size_t count);

private:
    friend class table_builder;
    std::string bits_;
};

class map_builder : public column_builder {
public:
    using column_builder::column_builder;
    /// Begins the row's map; its entries follow.
    void set(std::size_t row) {
        mark(row);
        end_rows(row);
    }
    void add(std::string_view key, std::string_view value) {
        keys_.set(entries_, key);
        items_.set(entries_, value);
        ++entries_;
    }

private:
    friend class table_builder;
    /// Those before `row`. The last one set has no end yet, as entries may follow.
    void end_rows(std::size_t row) { ends_.fill_up(row + 1, static_cast<std::int32_t>(entries_)); }
    buffer<std::int32_t> ends_;  // as in text_builder
    std::size_t entries_ = 0;
    text_builder keys_{"key"}, items_{"value"};
};

/// Puts a table together out of columns, which must outlive it and stay as they are from then on.
class table_builder {
public:
    explicit table_builder(std::size_t rows) : rows_(rows) {}
    /// A column, if anything was set in it, or in any case.
    template <class Column>
    void add(Column& c) {
        if (c.used()) put(c);
    }
    template <class Column>
    void add_always(Column& c) {
        put(c);
    }
    /// The stream. `metadata`: what the schema tells of the table.
    std::string finish(std::span<const std::pair<std::string_view, std::string_view>> metadata);

private:
    struct field {
        std::string_view name;
        std::uint8_t type;
        bool nullable;
        int children;  // how many of the following fields are below this one
    };
    void put(text_builder&);
    void put(integer_builder&);
    void put(timestamp_builder&);
    void put(boolean_builder&);
    void put(map_builder&);
    void begin(column_builder&, std::uint8_t type, std::size_t rows, bool nullable, int children = 0);
    void text(text_builder&, std::size_t rows, bool nullable);
    void add_buffer(std::string_view bytes);
    template <class T>
    void add_buffer(const buffer<T>& all) {
        add_buffer({reinterpret_cast<const char*>(all.data()), all.size() * sizeof(T)});
    }

    const std::size_t rows_;
    std::vector<field> fields_;
    std::vector<std::pair<std::int64_t, std::int64_t>> nodes_, buffers_;
    std::vector<std::string_view> body_;  // views into the columns: what is large is copied once
    std::size_t body_size_ = 0;           // each with what fills it up
};

}  // namespace act::arrow
