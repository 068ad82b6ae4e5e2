--- The sides of a proposed change as documents of their own (`tagout:/…`), which the server tells the text of.
local M = {}

local function split(text)
  local lines = vim.split(text, '\n', { plain = true })
  if lines[#lines] == '' then table.remove(lines) end
  return lines
end

--- Asks `client` for the lines of a document; `done(nil, problem)` where there is no such text.
---@param client vim.lsp.Client
---@param uri string
---@param done fun(lines: string[]?, problem: string?)
function M.fetch(client, uri, done)
  local function ended()
    vim.schedule(function() done(nil, 'the server has ended') end)
  end
  if require('tagout.overview').is_ending(client) then return ended() end
  local sent = client:request('workspace/textDocumentContent', { uri = uri }, function(failure, answer)
    if failure or type(answer) ~= 'table' then return done(nil, failure and failure.message or 'the server has no text') end
    done(split(answer.text))
  end)
  if not sent then ended() end
end

--- The lines of the file at `uri` as it is in the editor, else on disk; none when there is no such file.
---@param uri string
---@return string[]
function M.of_file(uri)
  local path = vim.uri_to_fname(uri)
  for _, buffer in ipairs(vim.api.nvim_list_bufs()) do
    if vim.api.nvim_buf_is_loaded(buffer) and vim.api.nvim_buf_get_name(buffer) == path then
      return vim.api.nvim_buf_get_lines(buffer, 0, -1, false)
    end
  end
  local file = io.open(path, 'rb')
  if not file then return {} end
  local text = file:read('*a')
  file:close()
  return split(text)
end

--- The client that told of the document `uri`.
local function teller(uri)
  for _, one in ipairs(require('tagout.overview').all()) do
    for _, change in ipairs(one.overview.changes or {}) do
      if uri:find('/' .. change.changeset .. '/', 1, true) then return one.client end
    end
  end
end

local function show(buffer, lines)
  vim.bo[buffer].modifiable = true
  vim.api.nvim_buf_set_lines(buffer, 0, -1, false, lines)
  vim.bo[buffer].modifiable, vim.bo[buffer].modified = false, false
end

local function refresh(buffer)
  local uri = vim.api.nvim_buf_get_name(buffer)
  local client = teller(uri)
  if not client then return show(buffer, { 'nothing waits under this name any more' }) end
  M.fetch(client, uri, function(lines, problem)
    if not vim.api.nvim_buf_is_loaded(buffer) then return end
    -- What is wrong is said in the words of others, which may have more than one line.
    local function one_line(line) return (line:gsub('\r$', ''):gsub('\n', ' ')) end
    local wanted = vim.tbl_map(one_line, lines or { problem })
    if not vim.deep_equal(wanted, vim.api.nvim_buf_get_lines(buffer, 0, -1, false)) then show(buffer, wanted) end
  end)
end

--- Fills a buffer that is named by such a URI, and keeps it true.
---@param buffer integer
function M.read(buffer)
  vim.bo[buffer].buftype, vim.bo[buffer].bufhidden, vim.bo[buffer].swapfile = 'nofile', 'wipe', false
  refresh(buffer)
  local language = vim.filetype.match({ filename = vim.uri_decode(vim.api.nvim_buf_get_name(buffer)) })
  if language then vim.bo[buffer].filetype = language end
  local group = vim.api.nvim_create_augroup('tagout.content.' .. buffer, {})
  vim.api.nvim_create_autocmd('User', {
    group = group,
    pattern = 'TagoutChanged',
    callback = function() refresh(buffer) end,
  })
  vim.api.nvim_create_autocmd('BufWipeout', {
    group = group,
    buffer = buffer,
    callback = function() vim.schedule(function() pcall(vim.api.nvim_del_augroup_by_id, group) end) end,
  })
end

--- Opens the two sides of a file's change beside each other in a tab of their own.
---@param file table as the overview has it
function M.compare(file)
  local left = vim.startswith(file.left, 'file:') and vim.uri_to_fname(file.left) or file.left
  vim.cmd.tabedit(vim.fn.fnameescape(left))
  vim.cmd('rightbelow vertical diffsplit ' .. vim.fn.fnameescape(file.right))
end

return M
