//! Tables as data, and their `CREATE` statements as SQLAlchemy writes them for each engine.

use crate::Engine;

/// A table with everything that hangs on it.
pub(crate) struct Table {
    pub(crate) name: &'static str,
    pub(crate) columns: &'static [Column],
    pub(crate) primary_key: &'static [&'static str],
    /// Name and columns.
    pub(crate) unique: &'static [(&'static str, &'static [&'static str])],
    /// Column, and the table and column that it refers to.
    pub(crate) foreign_keys: &'static [(&'static str, &'static str, &'static str)],
    /// Name and columns.
    pub(crate) indexes: &'static [(&'static str, &'static [&'static str])],
    /// Boolean columns with a check that they hold 0 or 1, where the engine has no boolean type.
    pub(crate) checks: Checks,
}

/// The checks on boolean columns.
pub(crate) enum Checks {
    /// Unnamed, on these columns.
    Unnamed(&'static [&'static str]),
    /// On MySQL only, with these names: what upstream's migrations leave of a table that SQLite rebuilds.
    MySqlOnly(&'static [(&'static str, &'static str)]),
}

/// A column.
pub(crate) struct Column {
    name: &'static str,
    kind: Kind,
    required: bool,
    default: Option<Default>,
}

enum Default {
    Text(&'static str),
    False,
}

/// The type of a column.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// Counts up by itself.
    Serial,
    /// As `Serial`, 64 bits wide.
    BigSerial,
    Integer,
    /// 64 bits, on SQLite too by name.
    BigInt,
    /// 64 bits; SQLite's integers are that wide anyway.
    Wide,
    Chars(u16),
    Text,
    /// A number with as many digits as it takes.
    Numeric,
    Bool,
    Time,
    /// The enumeration `image_visibility`.
    Visibility,
}

const fn column(name: &'static str, kind: Kind) -> Column {
    Column { name, kind, required: false, default: None }
}

/// The row number, counting up by itself.
pub(crate) const fn serial(name: &'static str) -> Column {
    column(name, Kind::Serial).required()
}

/// As [`serial`], 64 bits wide.
pub(crate) const fn big_serial(name: &'static str) -> Column {
    column(name, Kind::BigSerial).required()
}

/// 32 bits.
pub(crate) const fn integer(name: &'static str) -> Column {
    column(name, Kind::Integer)
}

/// 64 bits.
pub(crate) const fn big_integer(name: &'static str) -> Column {
    column(name, Kind::BigInt)
}

/// 64 bits, plain `INTEGER` on SQLite.
pub(crate) const fn wide_integer(name: &'static str) -> Column {
    column(name, Kind::Wide)
}

/// At most that many characters.
pub(crate) const fn chars(name: &'static str, most: u16) -> Column {
    column(name, Kind::Chars(most))
}

/// Long text.
pub(crate) const fn text(name: &'static str) -> Column {
    column(name, Kind::Text)
}

/// A number with as many digits as it takes.
pub(crate) const fn numeric(name: &'static str) -> Column {
    column(name, Kind::Numeric)
}

/// True or false.
pub(crate) const fn boolean(name: &'static str) -> Column {
    column(name, Kind::Bool)
}

/// A moment in UTC, without a zone.
pub(crate) const fn time(name: &'static str) -> Column {
    column(name, Kind::Time)
}

/// The visibility of an image.
pub(crate) const fn visibility(name: &'static str) -> Column {
    column(name, Kind::Visibility)
}

impl Column {
    /// `NOT NULL`
    pub(crate) const fn required(self) -> Self {
        Self { required: true, ..self }
    }

    /// `DEFAULT 'text'`
    pub(crate) const fn default_text(self, text: &'static str) -> Self {
        Self { default: Some(Default::Text(text)), ..self }
    }

    /// `DEFAULT false`
    pub(crate) const fn default_false(self) -> Self {
        Self { default: Some(Default::False), ..self }
    }

    pub(crate) fn name(&self) -> &'static str {
        self.name
    }

    /// What PostgreSQL has to be told to give an existing column this `NULL` and this default.
    pub(crate) fn alter_postgres(&self) -> [String; 2] {
        let required = if self.required { "SET NOT NULL" } else { "DROP NOT NULL" };
        let default = match &self.default {
            Some(Default::Text(text)) => format!("SET DEFAULT '{text}'"),
            Some(Default::False) => "SET DEFAULT false".to_owned(),
            None => "DROP DEFAULT".to_owned(),
        };
        [required.to_owned(), default].map(|change| format!("ALTER COLUMN {} {change}", self.name))
    }

    /// As it stands in `CREATE TABLE`.
    pub(crate) fn render(&self, engine: Engine) -> String {
        let mut sql = format!("{} {}", self.name, self.kind.render(engine));
        match (&self.default, engine) {
            (Some(Default::Text(text)), _) => sql += &format!(" DEFAULT '{text}'"),
            (Some(Default::False), Engine::Postgres) => sql += " DEFAULT false",
            (Some(Default::False), _) => sql += " DEFAULT 0",
            (None, _) => {}
        }
        if self.required {
            sql += " NOT NULL";
        }
        if engine == Engine::MySql && matches!(self.kind, Kind::Serial | Kind::BigSerial) {
            sql += " AUTO_INCREMENT";
        }
        sql
    }
}

impl Kind {
    fn render(self, engine: Engine) -> String {
        match (self, engine) {
            (Self::Chars(most), _) => return format!("VARCHAR({most})"),
            (Self::Serial, Engine::Postgres) => "SERIAL",
            (Self::BigSerial, Engine::Postgres) => "BIGSERIAL",
            (Self::BigSerial | Self::Wide, Engine::MySql) | (Self::Wide, Engine::Postgres) | (Self::BigInt, _) => {
                "BIGINT"
            }
            (Self::Serial | Self::BigSerial | Self::Integer | Self::Wide, _) => "INTEGER",
            (Self::Text, _) => "TEXT",
            (Self::Numeric, _) => "NUMERIC",
            (Self::Bool, Engine::MySql) => "TINYINT(1)",
            (Self::Bool, _) => "BOOLEAN",
            (Self::Time, Engine::Postgres) => "TIMESTAMP WITHOUT TIME ZONE",
            (Self::Time, _) => "DATETIME",
            (Self::Visibility, Engine::Sqlite) => "VARCHAR(9)",
            (Self::Visibility, Engine::Postgres) => "image_visibility",
            (Self::Visibility, Engine::MySql) => "ENUM('private', 'public', 'shared', 'community')",
        }
        .to_owned()
    }
}

impl Table {
    /// The statements that create the table and its indexes.
    pub(crate) fn create(&self, engine: Engine) -> Vec<String> {
        let mut statements = vec![self.create_without_indexes(engine)];
        statements.extend(self.indexes.iter().map(|(name, columns)| create_index(name, self.name, columns)));
        statements
    }

    /// The statement that creates the table alone.
    pub(crate) fn create_without_indexes(&self, engine: Engine) -> String {
        let mut parts: Vec<_> = self.columns.iter().map(|column| column.render(engine)).collect();
        parts.push(format!("PRIMARY KEY ({})", self.primary_key.join(", ")));
        for (column, table, target) in self.foreign_keys {
            parts.push(format!("FOREIGN KEY({column}) REFERENCES {table} ({target})"));
        }
        for (name, columns) in self.unique {
            parts.push(format!("CONSTRAINT {name} UNIQUE ({})", columns.join(", ")));
        }
        parts.extend(self.checks.render(engine));
        let mut sql = format!("CREATE TABLE {} (\n\t{}\n)", self.name, parts.join(", \n\t"));
        if engine == Engine::MySql {
            sql += " ENGINE=InnoDB DEFAULT CHARSET=utf8mb3";
        }
        sql
    }
}

impl Checks {
    fn render(&self, engine: Engine) -> Vec<String> {
        match (self, engine) {
            (_, Engine::Postgres) | (Self::MySqlOnly(_), Engine::Sqlite) => Vec::new(),
            (Self::Unnamed(columns), _) => columns.iter().map(|column| format!("CHECK ({column} IN (0, 1))")).collect(),
            (Self::MySqlOnly(checks), Engine::MySql) => {
                let check = |(name, column): &(_, _)| format!("CONSTRAINT {name} CHECK ({column} IN (0, 1))");
                checks.iter().map(check).collect()
            }
        }
    }
}

/// `CREATE INDEX`
pub(crate) fn create_index(name: &str, table: &str, columns: &[&str]) -> String {
    format!("CREATE INDEX {name} ON {table} ({})", columns.join(", "))
}
