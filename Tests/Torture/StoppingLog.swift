import Bytes
import Simulation

/// What a log is that believes its end: records of a length, a CRC32C and bytes, and whoever opens it
/// cuts it at the first one that isn't right.
///
/// It stands beside the ledger's own log under the same damages, to show that they bite.
enum StoppingLog {
  static func bytes(_ records: [[UInt8]]) -> [UInt8] {
    records.flatMap { number($0.count) + number(Int(checksum($0))) + $0 }
  }

  /// Recovers: what is right up to the first record that isn't.
  static func records(in bytes: [UInt8]) -> [[UInt8]] {
    var records: [[UInt8]] = []
    var start = 0
    while start + 8 <= bytes.count {
      let length = value(bytes[start..<start + 4])
      let end = start + 8 + length
      guard end <= bytes.count else { break }
      let record = Array(bytes[start + 8..<end])
      guard Int(checksum(record)) == value(bytes[start + 4..<start + 8]) else { break }
      records.append(record)
      start = end
    }
    return records
  }

  private static func checksum(_ bytes: [UInt8]) -> UInt32 {
    var checksum = CRC32C()
    checksum.update(bytes)
    return checksum.value
  }

  private static func number(_ value: Int) -> [UInt8] {
    (0..<4).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) }
  }

  private static func value(_ bytes: ArraySlice<UInt8>) -> Int {
    bytes.reversed().reduce(0) { $0 << 8 | Int($1) }
  }

  /// Every flipped bit and every cut of such a log; what is lost is lost without a word.
  static func part() -> Part {
    let records = (0..<40).map { Workload.line($0) }
    let whole = bytes(records)
    return Part("stops-at-first-bad", count: whole.count * 9) { number, tally in
      var damaged = whole
      if number < whole.count * 8 {
        damaged[number / 8] ^= 1 << (number % 8)
      } else {
        damaged.removeLast(whole.count * 9 - number)
      }
      tally.flips += 1
      let found = Self.records(in: damaged)
      if found != records { tally.lose("\(found.count) of \(records.count) records") }
    }
  }
}
