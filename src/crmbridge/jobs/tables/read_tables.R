# Reads the tables beside this script into a list of data frames, with base R alone.
#
#   source("read_tables.R"); tables <- read_tables("."); str(tables$customers)
#   Rscript read_tables.R FOLDER      prints each table's rows and columns
#
# Types come from columns.csv. A cell that begins with a formula's sign stands behind an apostrophe
# in the file, so that no spreadsheet computes it; here it is taken off again.

read_tables <- function(folder = ".") {
  columns <- read.csv(file.path(folder, "columns.csv"), colClasses = "character",
                      fileEncoding = "UTF-8")
  tables <- unique(columns$table)
  setNames(lapply(tables, function(name) {
    read_one(file.path(folder, paste0(name, ".csv")), columns[columns$table == name, ])
  }), tables)
}

read_one <- function(path, columns) {
  classes <- c(text = "character", integer = "numeric", number = "numeric",
               boolean = "logical", date = "Date", instant = "character")
  frame <- read.csv(path, colClasses = setNames(classes[columns$type], columns$column),
                    na.strings = "", fileEncoding = "UTF-8", check.names = FALSE)
  for (at in which(columns$type == "text")) frame[[at]] <- unguarded(frame[[at]])
  for (at in which(columns$type == "instant")) {
    frame[[at]] <- as.POSIXct(frame[[at]], format = "%Y-%m-%dT%H:%M:%OSZ", tz = "UTC")
  }
  frame
}

unguarded <- function(cells) {
  signs <- "^'(?='*([\\t\\r\\n]|\\s*[=+\\-@\uff1d\uff0b\uff0d\uff20]))"
  sub(signs, "", cells, perl = TRUE)
}

if (sys.nframe() == 0L) {
  folder <- commandArgs(trailingOnly = TRUE)
  tables <- read_tables(if (length(folder)) folder[[1]] else ".")
  for (name in names(tables)) {
    cat(name, nrow(tables[[name]]), ncol(tables[[name]]), "\n")
  }
}
