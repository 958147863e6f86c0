/// The files of one ledger: all that the log may do to the world.
///
/// Paths are relative to the ledger's directory, `/` between their parts. There are two
/// implementations: the files of the operating system, and a simulated disk that loses, tears and
/// reorders whatever wasn't synchronized.
package protocol Storage: AnyObject {
  /// Opens a file; `.creating` demands that it doesn't exist yet and makes it for its owner alone.
  func open(_ path: String, for access: StorageAccess) throws(StorageError) -> any StorageFile

  /// The names in a directory, sorted by their bytes, without `.` and `..`.
  func list(_ directory: String) throws(StorageError) -> [String]

  /// Makes a directory for its owner alone.
  func createDirectory(_ path: String) throws(StorageError)

  /// Gives a file another name in one step, in place of whatever had that name.
  func rename(_ path: String, to newPath: String) throws(StorageError)

  /// Takes a file's name away; where that was its last one, its bytes go with whoever has it open.
  func removeFile(_ path: String) throws(StorageError)

  /// Returns once the names in a directory are durable (`fsync` on the directory).
  func synchronizeDirectory(_ path: String) throws(StorageError)
}

/// One open file; it is closed when the last reference to it goes.
package protocol StorageFile: AnyObject {
  /// Fills `bytes[range]` with what stands at `offset`.
  ///
  /// - Returns: How many bytes were there: fewer than asked for at the file's end, 0 beyond it.
  func read(
    into bytes: inout [UInt8], range: Range<Int>, at offset: UInt64
  ) throws(StorageError) -> Int

  /// Writes a prefix of `bytes`, which aren't empty, at `offset`.
  ///
  /// - Returns: How many were written, at least 1: the caller goes on with the rest.
  func write(_ bytes: ArraySlice<UInt8>, at offset: UInt64) throws(StorageError) -> Int

  /// The file's length in bytes.
  func size() throws(StorageError) -> UInt64

  func truncate(to size: UInt64) throws(StorageError)

  /// Returns once all that was written is durable (`fdatasync`, `F_FULLFSYNC` on macOS).
  ///
  /// After an error nothing is known of any byte written since the last success, and calling again
  /// proves nothing: the system may have dropped the pages.
  func synchronize() throws(StorageError)

  /// Takes the one exclusive lock on the file (`flock`), or says that another holds it.
  ///
  /// The lock goes with the file's last reference, and with the process.
  func tryLock() throws(StorageError) -> Bool
}

package enum StorageAccess: Hashable, Sendable {
  case reading
  /// Reading and writing a file that exists.
  case writing
  /// Reading and writing a file that doesn't exist yet.
  case creating
}

/// A system call that failed: which, on what, and the system's own number for the reason.
package struct StorageError: Error, Hashable, Sendable {
  package enum Operation: String, Hashable, Sendable {
    case open, read, write, size, truncate, synchronize, lock, list, createDirectory, rename
    case synchronizeDirectory, remove
  }

  package let operation: Operation
  package let path: String
  /// The C library's `errno`.
  package let code: Int32

  package init(operation: Operation, path: String, code: Int32) {
    self.operation = operation
    self.path = path
    self.code = code
  }

  /// Whether the file or directory isn't there (ENOENT, which is 2 on every system we know).
  package var isMissing: Bool { code == 2 }

  /// What a medium that answers otherwise than before comes to (EIO, which is 5 on every system we know).
  static var inputOutputError: Int32 { 5 }

  /// Whether something of that name is there already (EEXIST, which is 17 on every system we know).
  package var alreadyExists: Bool { code == 17 }
}
