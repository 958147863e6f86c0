import Bytes
package import EventLog

/// Makes a file for bytes on their way: it has no name, and is gone with its last reference.
package typealias Scratch = () throws(StorageError) -> any StorageFile

/// Records on their way, first in, first out: in memory while they are few, then in a file.
struct Lane {
  private let scratch: Scratch
  private var file: (any StorageFile)?
  private var length: UInt64 = 0
  private var buffer: [UInt8] = []
  private let capacity: Int

  /// - Parameter capacity: Bytes that are held in memory.
  init(capacity: Int, _ scratch: @escaping Scratch) {
    self.scratch = scratch
    self.capacity = capacity
  }

  /// Puts a record of at most 2^32 - 1 bytes behind the others.
  mutating func append(_ tag: UInt8, _ record: [UInt8]) throws(ExportError) {
    let count = UInt32(truncatingIfNeeded: record.count)
    for shift in [0, 8, 16, 24] as [UInt32] {
      buffer.append(UInt8(truncatingIfNeeded: count >> shift))
    }
    buffer.append(tag)
    buffer += record
    if buffer.count >= capacity { try flush() }
  }

  private mutating func flush() throws(ExportError) {
    do throws(StorageError) {
      let opened: any StorageFile
      if let file { opened = file } else { opened = try scratch() }
      file = opened
      try opened.writeFully(buffer, at: length)
    } catch {
      throw .storage(error)
    }
    length += UInt64(buffer.count)
    buffer.removeAll(keepingCapacity: true)
  }

  /// A reader of all records; nothing may be appended any more.
  consuming func reader() throws(ExportError) -> LaneReader {
    if file == nil { return LaneReader(file: nil, length: 0, buffer: buffer) }
    try flush()
    return LaneReader(file: file, length: length, buffer: [])
  }
}

/// Gives the records of a ``Lane`` back.
struct LaneReader {
  private let file: (any StorageFile)?
  private let length: UInt64
  private var buffer: [UInt8]
  private var start = 0
  private var offset: UInt64 = 0

  fileprivate init(file: (any StorageFile)?, length: UInt64, buffer: [UInt8]) {
    self.file = file
    self.length = length
    self.buffer = buffer
  }

  /// The next record, or `nil` after the last one.
  mutating func read() throws(ExportError) -> (tag: UInt8, record: ArraySlice<UInt8>)? {
    guard try fill(5) else { return nil }
    var count = 0
    for index in 0..<4 { count |= Int(buffer[start + index]) << (8 * index) }
    let tag = buffer[start + 4]
    guard try fill(5 + count) else { throw .storage(Self.cut) }
    defer { start += 5 + count }
    return (tag, buffer[start + 5..<start + 5 + count])
  }

  /// Who else writes a file without a name is hardly to be met; its end is no trap all the same.
  private static let cut = StorageError(operation: .read, path: "a scratch file", code: 5)

  /// Whether so many bytes stand in the buffer from its start on.
  private mutating func fill(_ count: Int) throws(ExportError) -> Bool {
    if buffer.count - start >= count { return true }
    guard let file, offset < length else { return false }
    buffer.removeSubrange(..<start)
    start = 0
    let held = buffer.count
    let more = Int(min(length - offset, UInt64(max(count - held, 1 << 18))))
    buffer.append(contentsOf: repeatElement(0, count: more))
    do throws(StorageError) {
      let read = try file.readFully(into: &buffer, range: held..<held + more, at: offset)
      buffer.removeSubrange((held + read)...)
      offset += UInt64(read)
    } catch {
      throw .storage(error)
    }
    return buffer.count >= count
  }
}
