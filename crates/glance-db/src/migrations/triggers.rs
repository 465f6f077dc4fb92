//! Triggers that keep `is_public` and `visibility` of images equal on MySQL, while services run that know only one.
//!
//! Whoever inserts gives one of the two and gets the other; whoever changes one changes the other. To give both, or to
//! take the value away, is refused.

use super::step::Trigger;

pub(crate) const INSERT_VISIBILITY: Trigger = Trigger {
    name: "insert_visibility",
    sql: "CREATE TRIGGER insert_visibility BEFORE INSERT ON images FOR EACH ROW
IF (NEW.is_public IS NULL) = (NEW.visibility IS NULL) THEN
    SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'Invalid visibility value';
ELSEIF NEW.visibility IS NULL THEN
    SET NEW.visibility = IF(NEW.is_public = 1, 'public', 'shared');
ELSE
    SET NEW.is_public = NEW.visibility = 'public';
END IF",
};

pub(crate) const UPDATE_VISIBILITY: Trigger = Trigger {
    name: "update_visibility",
    sql: "CREATE TRIGGER update_visibility BEFORE UPDATE ON images FOR EACH ROW
IF NOT NEW.is_public <=> OLD.is_public THEN
    IF NEW.is_public IS NULL OR NOT NEW.visibility <=> OLD.visibility THEN
        SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'Invalid visibility value';
    END IF;
    SET NEW.visibility = IF(NEW.is_public = 1, 'public', 'shared');
ELSEIF NOT NEW.visibility <=> OLD.visibility THEN
    IF NEW.visibility IS NULL THEN
        SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'Invalid visibility value';
    END IF;
    SET NEW.is_public = NEW.visibility = 'public';
END IF",
};
