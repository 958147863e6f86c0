import CSQLite
package import Events

/// Why the views can't be read or written; the log is not touched by any of this.
package enum ViewError: Error, Hashable, Sendable {
  /// SQLite refused.
  ///
  /// - code: SQLite's extended result code.
  /// - message: What SQLite says about it.
  /// - statement: The SQL that it was doing; a path where it was opening a file.
  case refused(code: Int32, message: String, statement: String)
  /// A row holds what no event can have put there: the file is damaged, or not ours.
  ///
  /// - column: The index, from 0, of the column in what `statement` answers.
  case malformed(statement: String, column: Int)
  /// Another program's database stands where the views should be.
  case foreign(applicationID: Int64)
  /// An event, or a cursor, isn't the one that follows what was applied before it.
  case outOfOrder(expected: EventID, found: EventID)

  /// A text isn't what views are written as, or another release wrote it.
  ///
  /// - table: The table in which it isn't; empty where none has begun.
  case otherText(table: String)

  /// What the caller can do about it.
  package enum Remedy: Hashable, Sendable {
    /// Another process has the database for longer than the time that was set to wait.
    case wait
    /// The file is damaged, foreign or of another shape: delete it, and rebuild from the log.
    case rebuild
    /// The disk, its space or a permission stands in the way: the file may be as good as it was.
    case mendSystem
  }

  /// What the caller can do about it.
  package var remedy: Remedy {
    guard case .refused(let code, _, _) = self else { return .rebuild }
    switch code & 0xFF {
    case SQLITE_BUSY, SQLITE_LOCKED, SQLITE_PROTOCOL: return .wait
    case SQLITE_IOERR:
      // A file that ends within a page it should hold was cut: the disk did what it was asked.
      return code == SQLITE_IOERR | 2 << 8 ? .rebuild : .mendSystem
    case SQLITE_FULL, SQLITE_CANTOPEN, SQLITE_PERM, SQLITE_READONLY, SQLITE_AUTH, SQLITE_NOMEM,
      SQLITE_NOLFS:
      return .mendSystem
    default: return .rebuild
    }
  }
}
