-- What a small library lends, and to whom.
CREATE TABLE reader (
  id          BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  name        TEXT NOT NULL,
  born        DATE CHECK (born > DATE '1900-01-01'),
  address     TEXT DEFAULT 'unknown',
  joined_at   TIMESTAMP WITH TIME ZONE NOT NULL DEFAULT now()
);

CREATE TABLE book (
  isbn        CHAR(13) PRIMARY KEY,
  title       VARCHAR(200) NOT NULL,
  pages       INTEGER CHECK (pages BETWEEN 1 AND 5000),
  tags        TEXT[] NOT NULL DEFAULT '{}'
);

CREATE TABLE loan (
  reader_id   BIGINT NOT NULL REFERENCES reader (id) ON DELETE CASCADE,
  isbn        CHAR(13) NOT NULL REFERENCES book (isbn),
  since       DATE NOT NULL,
  back        DATE,
  PRIMARY KEY (reader_id, isbn, since)
);

CREATE INDEX loan_open ON loan (isbn) WHERE back IS NULL;

/* Who has kept a book for longer than four weeks,
   the one who has kept it longest first. */
CREATE VIEW late AS
SELECT r.name,
       b.title,
       current_date - l.since AS days,
       count(*) OVER (PARTITION BY r.id) AS books
FROM loan AS l
JOIN reader AS r ON r.id = l.reader_id
JOIN book AS b USING (isbn)
WHERE l.back IS NULL
  AND l.since < current_date - INTERVAL '28 days'
ORDER BY days DESC, r.name;

INSERT INTO book (isbn, title, pages, tags) VALUES
  ('9780000000001', 'The Reader''s Guide', 312, '{guide}'),
  ('9780000000002', 'Ants (and Bees)', 96, '{nature,children}'),
  ('9780000000003', 'A "Short" History', 1204, '{}');

UPDATE reader
SET address = CASE
  WHEN address LIKE '%Street%' THEN replace(address, 'Street', 'St.')
  WHEN address IS NULL THEN 'unknown'
  ELSE trim(both ' ' from address)
END
WHERE joined_at >= now() - INTERVAL '1 year';
