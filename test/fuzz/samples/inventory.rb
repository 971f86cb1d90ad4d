# frozen_string_literal: true

require "json"
require "set"

# Counts what is in a store, and says what must be bought.
module Inventory
  LOW = 5

  class Item
    attr_reader :name, :count, :tags

    def initialize(name, count: 0, tags: [])
      @name = name
      @count = count
      @tags = Set.new(tags)
    end

    def low?
      @count < LOW && !@tags.include?(:old)
    end

    def to_s
      "#{@name} (#{@count}#{low? ? ", low" : ""})"
    end
  end

  class Store
    include Enumerable

    def self.load(path)
      rows = JSON.parse(File.read(path), symbolize_names: true)
      new(rows.map { |row| Item.new(row[:name], count: row.fetch(:count, 0), tags: row[:tags] || []) })
    end

    def initialize(items)
      @items = items.to_h { |item| [item.name, item] }
    end

    def each(&block)
      return enum_for(:each) unless block

      @items.each_value(&block)
    end

    def orders(limit: 10)
      select(&:low?).sort_by { |item| [item.count, item.name] }.first(limit).map do |item|
        { name: item.name, missing: LOW - item.count }
      end
    end

    def report(out = $stdout)
      each do |item|
        case item.tags.first
        when :old, nil
          out.puts "  #{item}"
        when /^fresh-(\d+)$/
          out.puts "* #{item} for #{Regexp.last_match(1)} days"
        else
          out.puts "- #{item}"
        end
      end
    rescue IOError => e
      warn "cannot report: #{e.message}"
      raise
    ensure
      out.flush if out.respond_to?(:flush)
    end
  end
end

if $PROGRAM_NAME == __FILE__
  store = Inventory::Store.load(ARGV.fetch(0) { abort "usage: #{$PROGRAM_NAME} FILE" })
  store.report
  puts JSON.pretty_generate(store.orders(limit: 3))
end
