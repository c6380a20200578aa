#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

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
        if (!valid_.empty() || values_ != row) mark_apart(row);
        ++values_;
    }

    friend class table_builder;
    std::string_view name_;
    std::size_t values_ = 0;
    std::string valid_;  // a bit for each row, once one has been passed over

private:
    void mark_apart(std::size_t row);
    void spell_out();
};

class text_builder : public column_builder {
public:
    using column_builder::column_builder;
    /// Equal neighbours, which many columns consist of, are only counted at first.
    void set(std::size_t row, std::string_view value) {
        mark(row);
        if (row != 0 && row == rows_ && value == last_) {
            ++repeats_;
            ++rows_;
        } else {
            append(row, value);
        }
    }

private:
    friend class table_builder;
    void append(std::size_t row, std::string_view value);
    void write_repeats();
    std::vector<std::int32_t> ends_;
    std::string bytes_;
    std::string last_;
    std::size_t rows_ = 0, repeats_ = 0;  // so far; and those of them that are not written yet
};

class integer_builder : public column_builder {
public:
    using column_builder::column_builder;
    void set(std::size_t row, std::uint64_t value) {
        mark(row);
        if (numbers_.size() != row) numbers_.resize(row);
        numbers_.push_back(value);
    }

private:
    friend class table_builder;
    std::vector<std::uint64_t> numbers_;
};

/// Seconds since 1970, in UTC.
class timestamp_builder : public integer_builder {
public:
    using integer_builder::integer_builder;
};

class boolean_builder : public column_builder {
public:
    using column_builder::column_builder;
    void set(std::size_t row, bool value) {
        mark(row);
        if (bits_.size() <= row / 8) bits_.resize(row / 8 + 1);
        if (value) bits_[row / 8] = static_cast<char>(bits_[row / 8] | 1 << (row % 8));
    }

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
        if (ends_.size() != row) ends_.resize(row, static_cast<std::int32_t>(entries_));
        ends_.push_back(static_cast<std::int32_t>(entries_));
    }
    void add(std::string_view key, std::string_view value) {
        keys_.set(entries_, key);
        items_.set(entries_, value);
        ends_.back() = static_cast<std::int32_t>(++entries_);
    }

private:
    friend class table_builder;
    std::vector<std::int32_t> ends_;
    std::size_t entries_ = 0;
    text_builder keys_{"key"}, items_{"value"};
};

/// Puts a table together out of columns, which must outlive it.
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
    void buffer(std::string_view bytes);
    void offsets(std::vector<std::int32_t>& ends, std::size_t rows);

    const std::size_t rows_;
    std::vector<field> fields_;
    std::vector<std::pair<std::int64_t, std::int64_t>> nodes_, buffers_;
    std::string body_;
};

}  // namespace act::arrow
